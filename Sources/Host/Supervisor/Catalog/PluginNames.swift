/// Derives the likely names of plugins from their files' names.
enum PluginNames {
    /// A file's name without its suffix.
    static func stem(_ file: String) -> String { file.hasSuffix(".so") ? String(file.dropLast(3)) : file }

    /// The names that a plugin in a file of that name is likely to have: for `libMarketPoller.so` these are
    /// `libMarketPoller`, `MarketPoller` and `market-poller`.
    static func likely(_ file: String) -> [String] {
        let stem = stem(file)
        let bare = stem.hasPrefix("lib") ? String(stem.dropFirst(3)) : stem
        var dashed = ""
        var wasLower = false
        for character in bare {
            if character.isUppercase, wasLower { dashed += "-" }
            wasLower = !character.isUppercase
            dashed += character.lowercased()
        }
        var names: [String] = []
        for name in [stem, bare, dashed] where !name.isEmpty && !names.contains(name) { names.append(name) }
        return names
    }

    /// Whether a file is named after a plugin: `libmarket.so` after `market`, and with a version, as in `market-1.2.so`, too.
    static func isNamed(_ file: String, after id: String) -> Bool {
        likely(file).contains(id) || withoutVersion(file).map { likely($0).contains(id) } == true
    }

    /// A file's name without a version at its end: `market` for `market-1.2.so` and `market_v3.so`; nil if it has none.
    private static func withoutVersion(_ file: String) -> String? {
        let stem = stem(file)
        guard let start = stem.lastIndex(where: { "-_".contains($0) }) else { return nil }
        var version = stem[start...].dropFirst()
        if version.first == "v" { version = version.dropFirst() }
        guard version.first?.isNumber == true, version.allSatisfy({ $0.isNumber || ".+~".contains($0) }) else {
            return nil
        }
        return String(stem[..<start])
    }
}

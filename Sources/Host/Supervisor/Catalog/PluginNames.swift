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
}

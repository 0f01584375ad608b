/// What plugins are probably called, by the names of their files.
enum PluginNames {
    /// A file's name without its ending.
    static func stem(_ file: String) -> String { file.hasSuffix(".so") ? String(file.dropLast(3)) : file }

    /// Names that a plugin in a file of that name is likely to have: for `libMarketPoller.so` that, without `lib`, and
    /// `market-poller`.
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

internal import HostInspection
internal import HostSystem
internal import HostValues

/// Settings that are for nobody, which is probably a mistake in a name.
public enum UnclaimedSettings {
    /// A plugin file, with its plugin's id where that is known.
    public typealias Claim = (file: String, id: String?)

    /// For each of these names of files, and of plugins in the host's configuration, that fits no plugin: what to say.
    public static func faults(
        files: [String], blocks: [String], hostFile: String, claims: [Claim], path: (String) -> String
    ) -> [(name: String, text: String)] {
        var ids: Set<String> = []
        var byStem: [String: String] = [:]
        for claim in claims {
            // What a file that cannot be described would be called is not known.
            if let id = claim.id { ids.insert(id) } else { ids.formUnion(PluginNames.likely(claim.file)) }
            if let id = claim.id { for name in PluginNames.likely(claim.file) { byStem[name] = id } }
        }
        func advice(_ name: String, rename: (String) -> String) -> String {
            if let id = byStem[name] { return "the plugin in that file is called \(id): \(rename(id))" }
            if let id = Spelling.nearest(to: name, in: ids.sorted()) { return "did you mean \(id)? \(rename(id))" }
            return "it is named by a plugin's id, as schedhost list shows it"
        }
        var faults: [(name: String, text: String)] = []
        for file in files.sorted() where file.hasSuffix(".json5") && !file.hasPrefix(".") && file != hostFile {
            let name = String(file.dropLast(6))
            if ids.contains(name) { continue }
            let say = advice(name) { "rename it to \($0).json5" }
            faults.append((file, "\(path(file)): settings for a plugin that is not here: \(say)"))
        }
        for name in blocks.sorted() where !ids.contains(name) {
            let say = advice(name) { "write plugins.\($0)" }
            faults.append(
                (
                    "plugins." + name,
                    "plugins.\(name) in the host's configuration is for a plugin that is not here: \(say)"
                ))
        }
        return faults
    }
}

/// Says once of each of them.
struct UnclaimedSettingsNotice {
    private static let hostFile = "schedhost.json5"

    private var isDue = true
    private var told: Set<String> = []

    /// Settings were edited: they are compared with the plugins as soon as all of these are known.
    mutating func settingsChanged(_ names: Set<String>, isWhole: Bool) {
        if isWhole || names.contains(where: { $0.hasSuffix(".json5") }) { isDue = true }
    }

    /// What is to be said now; nothing unless something was edited and all plugins are known. Files that are refused before
    /// they are described have no claim of their own.
    mutating func take(
        isReady: @autoclosure () -> Bool, folder: any PluginFolder, blocks: [String],
        claims: () -> [UnclaimedSettings.Claim],
        path: (String) -> String
    ) -> [String] {
        guard isDue, isReady() else { return [] }
        isDue = false
        let files = folder.names() ?? []
        var claims = claims()
        let known = Set(claims.map(\.file))
        claims += files.filter { PluginFile.isCandidate($0) && !known.contains($0) }.map { ($0, nil) }
        let faults = UnclaimedSettings.faults(
            files: files, blocks: blocks, hostFile: Self.hostFile, claims: claims, path: path)
        let before = told
        told = Set(faults.map(\.name))
        return faults.filter { !before.contains($0.name) }.map(\.text)
    }

    /// Nothing is said any more.
    mutating func stop() { isDue = false }
}

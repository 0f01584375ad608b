internal import HostInspection
internal import HostSystem
internal import HostValues

/// Finds settings that nobody reads, probably because a name is misspelled.
public enum UnclaimedSettings {
    /// A plugin file, with its plugin's id if that is known.
    public typealias Claim = (file: String, id: String?)

    /// The messages about configuration files, and blocks in the host's configuration, that belong to no plugin.
    public static func faults(
        files: [String], blocks: [String], hostFile: String, claims: [Claim], path: (String) -> String
    ) -> [(name: String, text: String)] {
        var ids: Set<String> = []
        var byStem: [String: String] = [:]
        for claim in claims {
            // A file that cannot be described might have any of its likely names.
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
        faults += otherSpellings(files, ids: ids.union([String(hostFile.dropLast(6))])).map { file, right in
            (file, "\(path(file)): not read, since a configuration's name ends in .json5: rename it to \(right)")
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

    /// Files that are named like a configuration but for the last letter, with what they should be called. A plugin may have
    /// a file of such a name as data, so one beside the right one is none.
    private static func otherSpellings(_ files: [String], ids: Set<String>) -> [(file: String, right: String)] {
        let all = Set(files)
        return files.sorted().compactMap { file in
            guard let end = [".json", ".jsonc"].first(where: file.hasSuffix) else { return nil }
            let id = String(file.dropLast(end.count))
            return ids.contains(id) && !all.contains(id + ".json5") ? (file, id + ".json5") : nil
        }
    }
}

/// Reports each such setting only once.
struct UnclaimedSettingsNotice {
    private static let hostFile = "schedhost.json5"

    private var isDue = true
    private var told: Set<String> = []

    /// Notes that settings were edited; they are checked as soon as all plugins are known.
    mutating func settingsChanged(_ names: Set<String>, isWhole: Bool) {
        if isWhole || names.contains(where: { $0.hasSuffix(".json5") }) { isDue = true }
    }

    /// The messages that are due: only after an edit, and when all plugins are known. Files that were refused before
    /// their description claim their likely names.
    mutating func take(
        isReady: @autoclosure () -> Bool, folder: any PluginFolder, blocks: () -> [String],
        claims: () -> [UnclaimedSettings.Claim], path: (String) -> String
    ) -> [String] {
        guard isDue, isReady() else { return [] }
        isDue = false
        let files = folder.names() ?? []
        var claims = claims()
        let known = Set(claims.map(\.file))
        claims += files.filter { PluginFile.isCandidate($0) && !known.contains($0) }.map { ($0, nil) }
        let faults = UnclaimedSettings.faults(
            files: files, blocks: blocks(), hostFile: Self.hostFile, claims: claims, path: path)
        let before = told
        told = Set(faults.map(\.name))
        return faults.filter { !before.contains($0.name) }.map(\.text)
    }

    /// Reports nothing from now on.
    mutating func stop() { isDue = false }
}

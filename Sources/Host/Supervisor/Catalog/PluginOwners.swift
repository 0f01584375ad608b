internal import HostInspection
internal import HostSystem
internal import HostValues

/// Remembers which file had each plugin's name last. That file gets the name again if several claim it, also after a
/// restart of the host.
struct PluginOwners: Equatable {
    /// The largest number of names; when it is reached, names of absent plugins are forgotten.
    private static let most = 4096

    private(set) var files: [String: String] = [:]
    /// The names by file; if a file has several names, the last one. Each is in `files` too, so that neither has more.
    private(set) var ids: [String: String] = [:]

    /// Makes an empty memory.
    init() {}

    /// Reads a saved file. Invalid content is ignored, since it is only a memory.
    init(_ bytes: [UInt8]) {
        guard case .object(let members)? = try? JSON5Parser.parse(bytes).value else { return }
        for member in members.prefix(Self.most) {
            guard case .string(let file) = member.node.value else { continue }
            files[member.name] = file
            ids[file] = member.name
        }
    }

    /// The content of the file to save.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        for (id, file) in files.sorted(by: { $0.key < $1.key }) { writer.field(id, file) }
        writer.close()
        return writer.bytes + [0x0A]
    }

    /// Notes that the file has the name from now on; returns true if that is a change. If there are too many names,
    /// those that are not in `present` are forgotten.
    mutating func note(_ id: String, _ file: String, present: () -> Set<String>) -> Bool {
        if files[id] == file { return false }
        if files.count >= Self.most, files[id] == nil {
            let present = present()
            files = files.filter { present.contains($0.key) }
            ids = ids.filter { files[$0.value] == $0.key }
        }
        if let former = files[id], ids[former] == id { ids[former] = nil }
        files[id] = file
        ids[file] = id
        return true
    }

    /// The remembered name of a file, else its likely name; nil if another file has that name.
    func expected(of file: String, likely: String?) -> String? {
        if let known = ids[file], files[known] == file { return known }
        return likely.flatMap { files[$0] == nil ? $0 : nil }
    }

    /// Among files that are not described yet, the one with a better claim to a name than `file`; nil if there is none.
    /// The best claim has the file that had the name last, then a file that is named after it.
    func rival(
        of file: String, for id: String, among undecided: () -> [String], likely: (String) -> [String]
    ) -> String? {
        if let owner = files[id] {
            if owner == file { return nil }
            if undecided().contains(owner) { return owner }
        }
        if likely(file).contains(id) { return nil }
        return undecided().filter { likely($0).contains(id) }.min()
    }
}

/// Decides claims to plugins' names, and saves their owners through the folder.
final class NameRegistry {
    /// The result of a claim to a name.
    enum Claim {
        case free
        /// A plugin that is ready has it.
        case taken(by: PluginEntry)
        /// It may turn out that another file has it, or a better claim to it.
        case undecided
    }

    /// How long a save is delayed to combine it with others, in ns.
    private static let delay: Int64 = 200_000_000

    private let folder: any PluginFolder
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var owners: PluginOwners
    private var likely: [String: [String]] = [:]
    private var timer: Deadlines.Timer?

    /// Makes a registry with the saved owners.
    init(_ folder: any PluginFolder, clock: any HostClock, deadlines: Deadlines) {
        self.folder = folder
        self.clock = clock
        self.deadlines = deadlines
        owners = folder.owners()
        timer = deadlines.make { [unowned self] _ in folder.keep(owners) }
    }

    /// Decides whether an entry can have its plugin's name now. `pending` returns the files without an entry.
    func claim(
        of entry: PluginEntry, to id: String, among entries: some Collection<PluginEntry>, pending: () -> [String]
    ) -> Claim {
        let others = entries.filter { $0.id == id && !$0.isSibling(of: entry) }
        if let other = others.first(where: \.isReady) { return .taken(by: other) }
        // The former owner of the name is ending; the routines begin after its end.
        if others.contains(where: \.isRetiring) { return .undecided }
        let rival = owners.rival(
            of: entry.file.name, for: id,
            among: { entries.filter { $0 !== entry && $0.isUndecided }.map(\.file.name) + pending() },
            likely: likelyNames)
        return rival == nil ? .free : .undecided
    }

    /// The file that had the name last, if that is another one and `file` is not named after the plugin. Who has a name
    /// also has the settings, caches and data that belong to it, so a plugin cannot take it by itself.
    func formerOwner(of id: String, otherThan file: String) -> String? {
        guard let owner = owners.files[id], owner != file, !PluginNames.isNamed(file, after: id) else { return nil }
        return owner
    }

    /// Gives these names to the files that were refused because other files had the names before; returns the refused
    /// entries.
    func give(_ ids: Set<String>, to entries: [PluginEntry]) -> [PluginEntry] {
        entries.filter { entry in
            guard case .refused(_, let description?, nil) = entry.state, ids.contains(description.id),
                formerOwner(of: description.id, otherThan: entry.file.name) != nil
            else { return false }
            own(description.id, entry.file.name) { Set(entries.compactMap(\.id)) }
            return true
        }
    }

    /// The likely name of the plugin in a file.
    func expected(of file: String, configured: String?) -> String? {
        owners.expected(of: file, likely: configured ?? likelyNames(of: file).last)
    }

    /// The likely names of a file, computed once: with a thousand files whose names differ from their plugins', each is
    /// compared with all others.
    private func likelyNames(of file: String) -> [String] {
        if let known = likely[file] { return known }
        if likely.count > 8192 { likely = [:] }
        let names = PluginNames.likely(file)
        likely[file] = names
        return names
    }

    /// Notes that a file has its plugin's name from now on.
    func own(_ id: String, _ file: String, present: () -> Set<String>) {
        guard owners.note(id, file, present: present), let timer else { return }
        deadlines.set(timer, at: clock.monotonic() + Self.delay)
    }

    /// Saves the owners, because the host ends.
    func stop() {
        if let timer { deadlines.set(timer, at: nil) }
        folder.keep(owners)
    }
}

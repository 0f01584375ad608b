internal import HostSystem
internal import HostValues

/// Which file had which plugin's name last: the one that has it again when several claim it, also in the next host.
struct PluginOwners: Equatable {
    /// More are not remembered than are here, and a few that may come back.
    private static let most = 4096

    private(set) var files: [String: String] = [:]
    /// The same by file; of several names one.
    private var ids: [String: String] = [:]

    /// Nobody is known.
    init() {}

    /// Those of a file's bytes; whatever is wrong with it, it is only a memory.
    init(_ bytes: [UInt8]) {
        guard case .object(let members)? = try? JSON5Parser.parse(bytes).value else { return }
        for member in members.prefix(Self.most) {
            guard case .string(let file) = member.node.value else { continue }
            files[member.name] = file
            ids[file] = member.name
        }
    }

    /// As a file.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        for (id, file) in files.sorted(by: { $0.key < $1.key }) { writer.field(id, file) }
        writer.close()
        return writer.bytes + [0x0A]
    }

    /// The file has the name from now on; true when that is news. Of names that nobody here has, some are forgotten.
    mutating func note(_ id: String, _ file: String, present: () -> Set<String>) -> Bool {
        if files[id] == file { return false }
        if files.count >= Self.most, files[id] == nil {
            let present = present()
            files = files.filter { present.contains($0.key) }
        }
        files[id] = file
        ids[file] = id
        return true
    }

    /// The name that a file has, by what is remembered, else the likely one; nil where another file has that.
    func expected(of file: String, likely: String?) -> String? {
        if let known = ids[file], files[known] == file { return known }
        return likely.flatMap { files[$0] == nil ? $0 : nil }
    }

    /// Of files that are not described yet, the one with more right to a name than the one that claims it; nil when there is
    /// none. That is the one that had it last, else the one that is called so.
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

/// Keeps who has which name in the plugins directory's memory.
final class NameRegistry {
    /// How long news may wait for more of them, ns.
    private static let delay: Int64 = 200_000_000

    private let folder: any PluginFolder
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var owners: PluginOwners
    private var likely: [String: [String]] = [:]
    private var timer: Deadlines.Timer?

    /// Knows what was kept last.
    init(_ folder: any PluginFolder, clock: any HostClock, deadlines: Deadlines) {
        self.folder = folder
        self.clock = clock
        self.deadlines = deadlines
        owners = folder.owners()
        timer = deadlines.make { [unowned self] _ in folder.keep(owners) }
    }

    /// Whether a file with more right to a plugin's name has not been described yet.
    func mustWait(_ file: String, for id: String, undecided: () -> [String]) -> Bool {
        owners.rival(of: file, for: id, among: undecided) { likelyNames(of: $0) } != nil
    }

    /// The name that a file probably has.
    func expected(of file: String, configured: String?) -> String? {
        owners.expected(of: file, likely: configured ?? likelyNames(of: file).last)
    }

    /// Made once for a file: a thousand files that are called otherwise than their plugins are compared with each other.
    private func likelyNames(of file: String) -> [String] {
        if let known = likely[file] { return known }
        if likely.count > 8192 { likely = [:] }
        let names = PluginNames.likely(file)
        likely[file] = names
        return names
    }

    /// A file has its plugin's name from now on.
    func own(_ id: String, _ file: String, present: () -> Set<String>) {
        guard owners.note(id, file, present: present), let timer else { return }
        deadlines.set(timer, at: clock.monotonic() + Self.delay)
    }

    /// Nothing is added any more.
    func stop() {
        if let timer { deadlines.set(timer, at: nil) }
        folder.keep(owners)
    }
}

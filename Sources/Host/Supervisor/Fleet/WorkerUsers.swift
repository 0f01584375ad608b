internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The user ids of workers, where the host runs as root and `sandbox_users` is configured. They are kept in the state directory.
final class WorkerUsers {
    private static let file = "users"

    private let state: Directory
    private let range: () -> UserRange?
    private let tell: (String) -> Void
    private var table: PluginUsers
    private var isReady = false
    private let handovers = FileHandovers()
    /// The ids that plugins of this host had before they got others.
    private var retired: Set<UInt32> = []

    /// Reads what the state directory remembers. `range` returns the configured range; `tell` is called with warnings.
    init(in state: borrowing Directory, tell: @escaping (String) -> Void, range: @escaping () -> UserRange?)
        throws(SystemError)
    {
        self.state = try Directory(state.path)
        self.range = range
        self.tell = tell
        let bytes = try? self.state.openForReading(Self.file).readAll(limit: 1 << 20, subject: Self.file)
        table = PluginUsers(text: String(decoding: bytes ?? [], as: UTF8.self))
    }

    /// Whether this host could give files to other users at all.
    private static let isRoot = HostProcess.user == 0

    /// The user for a worker; nil if it runs as the host's own user. `name`: the file, for the first look at a plugin whose
    /// name is not known. Throws if there is none, or if it could not reach its files.
    func user(of home: WorkerHome?, name: String) throws(SystemError) -> UInt32? {
        guard Self.isRoot, let range = range() else { return nil }
        let plugin: String
        switch home {
        case .plugin(let id), .routine(let id, _): plugin = id
        // Names of plugins have no question mark.
        case nil: plugin = "?" + name
        // Its folders are those of all plugins in it.
        case .everybody: return nil
        }
        let before = table
        let lent = LentUsers(files: ["subuid", "subgid"].map(Self.system))
        let isKept = before.ids[plugin].map { range.contains($0) && !lent.contains($0) } ?? false
        let accounts = isKept ? [] : PluginUsers.accounts(Self.system("passwd"))
        guard let user = table.user(of: plugin, in: range, lent: lent, isTaken: { accounts.contains($0) }) else {
            throw SystemError(
                "sandbox_users",
                "\(range.first)-\(range.last) has no user id for \(plugin) that is free, in /etc/passwd, /etc/subuid and "
                    + "/etc/subgid too: make it longer, or choose another one, like \"2100000000-2100065535\"",
                number: 11)
        }
        if let former = before.ids[plugin], former != user { retired.insert(former) }
        if table != before { try state.save(Array(table.text.utf8), as: Self.file) }
        try open()
        return user
    }

    /// The content of a file of /etc; empty if it cannot be read.
    private static func system(_ name: String) -> String {
        let bytes = try? Directory("/etc").openForReading(name, followLink: true).readAll(limit: 4 << 20, subject: name)
        return String(decoding: bytes ?? [], as: UTF8.self)
    }

    /// Lets other users pass through the state directory, without being able to list it.
    private func open() throws(SystemError) {
        if isReady { return }
        var path = ""
        for part in HostProcess.absolute(state.path).split(separator: "/").dropLast() {
            path += "/" + part
            guard let status = FileStatus.of(path), status.mode & 0o001 == 0 else { continue }
            throw SystemError(
                "sandbox_users",
                "\(path) lets no other users pass, so that plugins' users cannot reach their files: choose another --state, "
                    + "such as /var/lib/schedhost", number: 13)
        }
        try state.descriptor.setMode(0o711, subject: state.path)
        for name in ["plugins", "cache", "data"] {
            let folder = try state.directory(name, create: true)
            try folder.descriptor.setMode(0o711, subject: folder.path)
            if name == "cache" {
                let inner = try folder.directory("v1", create: true)
                try inner.descriptor.setMode(0o711, subject: inner.path)
            }
        }
        isReady = true
    }

    /// Gives a worker's folder to its user, or back to the host if it has none, with what other users of plugins own in it.
    /// Throws an error that `isUnderWay` if there is so much in it that it goes on beside the loop.
    func give(_ folder: borrowing Directory, to user: UInt32?) throws(SystemError) {
        guard Self.isRoot else { return }
        let owner = user ?? 0
        guard try folder.descriptor.status(subject: folder.path).owner != owner else { return }
        let known = retired.union(table.ids.values)
        let kept = try handovers.give(folder, to: owner) { $0 == 0 || known.contains($0) }
        if let first = kept.first {
            tell(
                "\(first) keeps its owner\(kept.count > 1 ? ", and so do \(kept.count - 1) more" : ""): it has several names, or "
                    + "belongs to another user; remove it, or chown it, if the plugin is to use it")
        }
    }

    /// Lets other users read the copy of a plugin with its libraries.
    func show(_ copy: String) {
        let (folder, name) = Directory.split(copy)
        guard let directory = try? Directory(folder) else { return }
        if let file = try? directory.openForReading(name) { try? file.setMode(0o555, subject: copy) }
        guard name.hasSuffix(".so"), let libraries = try? directory.directory(name.dropLast(3) + ".libraries") else {
            return
        }
        try? libraries.descriptor.setMode(0o755, subject: libraries.path)
        for library in (try? libraries.names()) ?? [] {
            if let file = try? libraries.openForReading(library) { try? file.setMode(0o555, subject: library) }
        }
    }
}

public import HostInspection
public import HostSystem
internal import HostValues

/// The directory in which a host keeps its persistent files. Only one host at a time uses it.
///
///     lock            locked by the running host; contains its pid
///     sessions.jsonl  the records; older ones are in sessions.N.jsonl
///     reserve         disk space that records use when the disk is full
///     open.jsonl      the sessions that have begun and have no record yet
///     tally.json      failures and quarantines
///     schedules.json  since when routines have their schedules, and when their last cycles began
///     marks           the marks of killed hosts, which their workers' processes bear
///     users           which plugin has which user id (`sandbox_users`)
///     names.json      which file had which plugin's name last
///     cluster.json    which host of its cluster this is
///     ledgers/        a file for each running worker
///     reports/        crash reports, and the last log lines of sessions that failed
///     cache/          the disk caches
///     data/           the plugins' own data, a folder for each
///     plugins/        the copies of plugins that workers load
///     control.sock    the control socket of a running host
public struct HostState: ~Copyable {
    /// The reason why a state directory cannot be used.
    public enum Failure: Error, CustomStringConvertible {
        /// Another host uses it.
        case inUse(path: String, pid: String)
        /// Libraries cannot be loaded from it.
        case noExecution(path: String)
        /// Other users can write to it, and so choose what runs as the host's user.
        case unsafe(path: String, Refusal.Unsafe)
        /// Other users can replace it, since they can rename what is in that directory above it.
        case unsafeParent(path: String, parent: String, Refusal.Unsafe)
        /// It cannot be created or opened.
        case system(SystemError)

        /// The reason in one line, with the remedy.
        public var description: String {
            switch self {
            case .inUse(let path, let pid):
                "\(path): in use by the host with pid \(pid): stop that one, or choose another directory with --state"
            case .noExecution(let path):
                "\(path): its file system is mounted noexec, so that workers cannot load plugins from their copies there: mount "
                    + "it without noexec, or choose another directory with --state"
            case .unsafe(let path, let fault):
                "\(path): unsafe: \(fault.text("it")), choose another directory with --state, such as one inside it, or "
                    + "allow it with --allow-unsafe-permissions"
            case .unsafeParent(let path, let parent, let fault):
                "\(path): unsafe: \(fault.text(parent)), set its sticky bit (chmod +t), choose a --state or --plugins elsewhere, or "
                    + "allow it with --allow-unsafe-permissions"
            case .system(let error): "\(error): choose another directory with --state"
            }
        }
    }

    /// The name of the control socket.
    public static let controlSocket = "control.sock"

    /// The state directory itself.
    public let directory: Directory
    /// `ledgers/`.
    public let ledgers: Directory
    /// `reports/`.
    public let reports: Directory
    private let lock: Descriptor
    private let isOurs: Bool
    private let holder: String

    private init(
        directory: consuming Directory, ledgers: consuming Directory, reports: consuming Directory,
        lock: consuming Descriptor, isOurs: Bool, holder: String
    ) {
        self.directory = directory
        self.ledgers = ledgers
        self.reports = reports
        self.lock = lock
        self.isOurs = isOurs
        self.holder = holder
    }

    /// Opens the directory, creating what is missing, and tries to take its lock; see `requireLock`. Throws if other
    /// users could replace what workers load, unless that is allowed.
    public static func open(_ path: String, allowsUnsafePermissions: Bool) throws(Failure) -> HostState {
        let directory: Directory
        do throws(SystemError) { directory = try Directory.make(path) } catch { throw .system(error) }
        if !allowsUnsafePermissions {
            try requireOwner(directory)
            try requireParents(of: path)
        }
        do throws(SystemError) {
            directory.spreadSubdirectories()
            let reports = try directory.directory("reports", create: true)
            let lock = try directory.openForUpdate("lock")
            let subject = directory.child("lock")
            // Waits a little: a child that a killed host was just starting keeps the lock until it executes its
            // program.
            let isOurs = try lock.lockByte(at: 0, patience: 500_000_000, subject: subject)
            let ledgers =
                isOurs ? try directory.freshDirectory("ledgers") : try directory.directory("ledgers", create: true)
            let holder = String(decoding: try lock.read(count: 20, at: 0, subject: subject), as: UTF8.self)
            if isOurs {
                try lock.truncate(to: 0, subject: subject)
                try lock.writeAll(Array("\(HostProcess.pid)\n".utf8), subject: subject)
            }
            return HostState(
                directory: directory, ledgers: ledgers, reports: reports, lock: lock, isOurs: isOurs, holder: holder)
        } catch {
            throw .system(error)
        }
    }

    /// Throws if the directory or its main parts are owned or writable by other users. In a directory with the sticky
    /// bit, such as /tmp, they can add files but not change ours.
    private static func requireOwner(_ directory: borrowing Directory) throws(Failure) {
        let user = HostProcess.user
        func require(_ status: FileStatus?, _ path: String) throws(Failure) {
            guard let status else { return }
            let isShared = status.kind == .directory && status.mode & 0o1000 != 0 && path == directory.path
            let mode = isShared ? status.mode & ~0o022 : status.mode
            if let fault = Refusal.Unsafe(owner: status.owner, mode: mode, user: user) {
                throw .unsafe(path: path, fault)
            }
        }
        try require(try? directory.descriptor.status(subject: directory.path), directory.path)
        for name in ["plugins", "cache", "ledgers", "reports"] {
            try require(try? directory.status(name), directory.child(name))
        }
    }

    /// Throws if other users could replace a directory that is not theirs, by renaming it or a directory or link on the
    /// way to it. Where the sticky bit is set, only the owner can.
    public static func requireParents(of path: String) throws(Failure) {
        let steps = PathSteps(HostProcess.absolute(path))
        let hasStrangers = HostProcess.hasUnknownUsers
        let groups = HostProcess.groups
        var parents: [String] = []
        for step in steps.links + steps.folders + [steps.end] where !step.name.isEmpty && !parents.contains(step.folder)
        {
            parents.append(step.folder)
        }
        for parent in parents {
            guard let status = FileStatus.of(parent),
                let fault = Refusal.Unsafe(
                    parent: status, user: HostProcess.user, groups: groups,
                    isVolume: FileStatus.of(parent + "/..").map { $0.device != status.device } ?? false,
                    hasUnknownUsers: hasStrangers)
            else { continue }
            throw .unsafeParent(path: path, parent: parent, fault)
        }
    }

    /// Throws if another host has the lock.
    public func requireLock() throws(Failure) {
        if isOurs { return }
        let pid = holder.filter(\.isNumber)
        throw .inUse(path: directory.path, pid: pid.isEmpty ? "unknown" : pid)
    }

    /// Throws if plugins could not be loaded from the directory.
    public func requireExecution() throws(Failure) {
        if directory.forbidsExecution { throw .noExecution(path: directory.path) }
    }
}

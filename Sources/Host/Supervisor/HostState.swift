public import HostInspection
public import HostSystem
internal import HostValues

/// The directory in which a host keeps what outlives it. One host at a time has it.
///
///     lock            locked by the running host, with its pid
///     sessions.jsonl  the records, and sessions.N.jsonl
///     open.jsonl      sessions that have begun and have no record yet
///     tally.json      failures and quarantines
///     marks           of hosts that were killed: their workers' processes have these
///     names.json      which file had which plugin's name last
///     ledgers/        a file a worker, while it runs
///     reports/        crash reports, and the last lines of sessions that failed
///     cache/          the disk caches
///     data/           what plugins keep, a folder each
///     plugins/        copies of plugins, which workers load
///     control.sock    where a running host is asked
public struct HostState: ~Copyable {
    /// Why a state directory cannot be used.
    public enum Failure: Error, CustomStringConvertible {
        /// Another host has it.
        case inUse(path: String, pid: String)
        /// No library can be loaded from there.
        case noExecution(path: String)
        /// Others can write there, and so choose what runs as the host's user.
        case unsafe(path: String, Refusal.Unsafe)
        /// It cannot be made or opened.
        case system(SystemError)

        /// What it says, in one line.
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
            case .system(let error): "\(error): choose another directory with --state"
            }
        }
    }

    /// The name of the control socket.
    public static let controlSocket = "control.sock"

    /// The directory.
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

    /// Opens the directory, making what is missing, and takes its lock if it can: see `requireLock`. Refuses one in which
    /// others can put what workers load, unless that is allowed.
    public static func open(_ path: String, allowsUnsafePermissions: Bool) throws(Failure) -> HostState {
        let directory: Directory
        do throws(SystemError) { directory = try Directory.make(path) } catch { throw .system(error) }
        if !allowsUnsafePermissions { try requireOwner(directory) }
        do throws(SystemError) {
            directory.spreadSubdirectories()
            let reports = try directory.directory("reports", create: true)
            let lock = try directory.openForUpdate("lock")
            let subject = directory.child("lock")
            // A host that was killed while it started a worker leaves the lock to the child, which has it until it executes.
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

    /// Refuses a directory that is, or whose parts are, at the disposal of other users. In one with the sticky bit, as
    /// /tmp has, they can make names of their own and nothing of what is ours.
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

    /// Refuses to go on without the lock.
    public func requireLock() throws(Failure) {
        if isOurs { return }
        let pid = holder.filter(\.isNumber)
        throw .inUse(path: directory.path, pid: pid.isEmpty ? "unknown" : pid)
    }

    /// Refuses a directory from which no plugin could be loaded.
    public func requireExecution() throws(Failure) {
        if directory.forbidsExecution { throw .noExecution(path: directory.path) }
    }
}

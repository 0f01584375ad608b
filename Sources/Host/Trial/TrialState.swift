internal import HostSupervisor
public import HostSystem
internal import HostValues

/// The state directory of a trial: one that a person named, or a temporary one that is removed afterwards.
public struct TrialState: ~Copyable {
    private static let prefix = "schedhost-try"
    private static let lockName = "lock"

    /// The directory.
    public let directory: Directory
    /// The lock on a temporary directory while it is in use; nil for a directory that a person named.
    private let lock: Descriptor?
    /// The exclusive use of a named directory, as a host has it; nil for a temporary directory.
    private let own: HostState?

    private init(_ directory: consuming Directory, lock: consuming Descriptor?, own: consuming HostState?) {
        self.directory = directory
        self.lock = lock
        self.own = own
    }

    /// Opens the directory with that path, which no host may be using; for nil creates a temporary one.
    public static func open(_ path: String?) throws -> TrialState {
        if let path {
            let own = try HostState.open(path, allowsUnsafePermissions: true)
            try own.requireLock()
            return TrialState(try Directory(path), lock: nil, own: own)
        }
        let folder = HostProcess.environment("TMPDIR") ?? "/tmp"
        sweep(folder)
        let directory = try Directory.makeTemporary(prefix, in: folder)
        let lock = try directory.openForUpdate(lockName)
        _ = try lock.lockByte(at: 0, patience: 0, subject: lockName)
        return TrialState(directory, lock: lock, own: nil)
    }

    deinit {
        if lock == nil { return }
        let (folder, name) = Directory.split(directory.path)
        directory.removeContents()
        try? Directory(folder).removeDirectory(name)
    }

    /// Removes the directories of earlier trials in which the plugin ended the program: nobody holds their locks any
    /// more.
    private static func sweep(_ path: String) {
        guard let folder = try? Directory(path) else { return }
        for name in (try? folder.names()) ?? [] where name.hasPrefix(prefix + "-") {
            guard let left = try? folder.directory(name, create: false),
                let status = try? left.descriptor.status(subject: name), status.owner == HostProcess.user,
                (try? left.status(lockName)) != nil, let lock = try? left.openForUpdate(lockName),
                (try? lock.lockByte(at: 0, patience: 0, subject: name)) == true
            else { continue }
            left.removeContents()
            try? folder.removeDirectory(name)
        }
    }
}

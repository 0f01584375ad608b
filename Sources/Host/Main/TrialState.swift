internal import HostSystem
internal import HostValues

/// The state directory of a trial: one that a person has named, or one that is gone afterwards.
struct TrialState: ~Copyable {
    private static let prefix = "schedhost-try"
    private static let lockName = "lock"

    let directory: Directory
    /// Held while a directory is in use that is to be gone afterwards; nil for one that stays.
    private let lock: Descriptor?

    private init(_ directory: consuming Directory, lock: consuming Descriptor?) {
        self.directory = directory
        self.lock = lock
    }

    /// The directory of that path; nil: one that is gone afterwards.
    static func open(_ path: String?) throws(SystemError) -> TrialState {
        if let path { return TrialState(try Directory.make(path), lock: nil) }
        let folder = HostProcess.environment("TMPDIR") ?? "/tmp"
        sweep(folder)
        let directory = try Directory.makeTemporary(prefix, in: folder)
        let lock = try directory.openForUpdate(lockName)
        _ = try lock.lockByte(at: 0, patience: 0, subject: lockName)
        return TrialState(directory, lock: lock)
    }

    deinit {
        if lock == nil { return }
        let (folder, name) = Directory.split(directory.path)
        directory.removeContents()
        try? Directory(folder).removeDirectory(name)
    }

    /// Removes what trials have left whose plugin has ended the program: nobody holds their locks.
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

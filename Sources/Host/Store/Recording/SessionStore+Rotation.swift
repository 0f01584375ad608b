internal import HostSystem
internal import HostValues

extension SessionStore {
    /// The name under which the next file is created before any file is renamed.
    static let newName = "sessions.new"

    /// Starts a new file. If that fails, the current file keeps growing, and the next write tries again.
    ///
    /// The order makes a crash at any point harmless: first the new file and the tally are written, then the files up
    /// to the first gap in the numbers are renamed, the oldest of them first. Only if there is no gap, the oldest file
    /// of all is overwritten.
    mutating func rotate() {
        do throws(SystemError) {
            let next = try directory.openForAppending(Self.newName)
            try saveTally()
            if try exists(SessionFiles.current) { try moveUp() }
            try directory.rename(Self.newName, to: SessionFiles.current)
            inode = try next.status(subject: path).inode
            file = next
            size = 0
            if options.isSynchronized { try directory.descriptor.synchronize(subject: directory.path) }
            rotationFault = nil
            rotations += 1
        } catch {
            rotationFault = error
        }
    }

    private func moveUp() throws(SystemError) {
        for name in try directory.names() {
            if let number = SessionFiles.number(of: name), number > max(1, options.keep) { try directory.remove(name) }
        }
        var gap = 1
        while gap < options.keep, try exists(SessionFiles.older(gap)) { gap += 1 }
        while gap > 1 {
            try directory.rename(SessionFiles.older(gap - 1), to: SessionFiles.older(gap))
            gap -= 1
        }
        try directory.rename(SessionFiles.current, to: SessionFiles.older(1))
    }

    private func exists(_ name: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try directory.status(name)
            return true
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// Atomically replaces the tally.
    private func saveTally() throws(SystemError) {
        guard let lastSession else { return }
        let tally = SessionTally(through: lastSession, cycles: index.cycles, ends: index.ends)
        try directory.save(tally.bytes, as: SessionTally.name, isSynchronized: options.isSynchronized)
    }
}

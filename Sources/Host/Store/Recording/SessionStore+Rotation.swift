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
            covered = 0
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
        if gap == options.keep { try archive(SessionFiles.older(gap)) }
        while gap > 1 {
            try directory.rename(SessionFiles.older(gap - 1), to: SessionFiles.older(gap))
            gap -= 1
        }
        try directory.rename(SessionFiles.current, to: SessionFiles.older(1))
    }

    /// Keeps of a file that is about to go what is not to go with it, and lets it go.
    private func archive(_ name: String) throws(SystemError) {
        guard try exists(name) else { return }
        let leaving = try content(of: name)
        let held = try exists(RecordArchive.name) ? content(of: RecordArchive.name) : []
        if let kept = RecordArchive.content(of: held, and: leaving, most: options.rotateAt / 4) {
            try directory.save(kept, as: RecordArchive.name, isSynchronized: options.isSynchronized)
        }
        try directory.remove(name)
    }

    /// A host that was killed between the two has left what it has kept twice.
    func finishArchive() throws(SystemError) {
        let name = SessionFiles.older(max(1, options.keep))
        guard try exists(RecordArchive.name), try exists(name) else { return }
        guard let last = try lastLine(of: name), try lastLine(of: RecordArchive.name) == last else { return }
        try directory.remove(name)
    }

    /// One that was not rotated in time may be larger than it should be: then the newest of it.
    private func content(of name: String) throws(SystemError) -> [UInt8] {
        let file = try directory.openForReading(name)
        let size = try file.status(subject: directory.child(name)).size
        let most = max(options.rotateAt * 2, 1 << 20)
        let start = max(0, size - most)
        var bytes: [UInt8] = []
        while start + bytes.count < size {
            let chunk = try file.read(
                count: size - start - bytes.count, at: start + bytes.count, subject: directory.child(name))
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return start == 0 ? bytes : Array(bytes.drop { $0 != UInt8(ascii: "\n") })
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

    /// Saves the totals if much was added since. If that fails, it is tried again after as much.
    mutating func saveTallyNowAndThen() {
        guard size - covered >= max(options.mostUncovered, 4 * tallySize) else { return }
        covered = size
        try? saveTally()
    }

    /// Atomically replaces the tally. It outlives a power loss as the records do, because those of files that are gone are in
    /// nothing else.
    mutating func saveTally() throws(SystemError) {
        guard let last = totals.last else { return }
        let tally = SessionTally(through: last, size: size, cycles: totals.cycles, ends: totals.ends).bytes
        try directory.save(tally, as: SessionTally.name, isSynchronized: options.isSynchronized)
        covered = size
        tallySize = tally.count
    }
}

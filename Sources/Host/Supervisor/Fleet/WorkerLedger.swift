internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The ledger file of one worker: the replicas of the slots, followed by the slots' annexes and the slots.
struct WorkerLedger: ~Copyable {
    /// What the worker seals its replicas with; nil: it is a dead host's, and the key was lost with that.
    let key: LedgerKey?
    /// The open file, which the worker inherits.
    let file: Descriptor
    /// The file's path, for messages.
    private let path: String

    /// Creates a new file of that name.
    init(_ name: String, in directory: borrowing Directory) throws(SystemError) {
        key = .random()
        file = try directory.create(name)
        path = directory.child(name)
    }

    /// A file that nobody else sees.
    init(key: LedgerKey = .random()) throws(SystemError) {
        self.key = key
        file = try Descriptor.memory("ledger")
        path = "ledger"
    }

    /// Opens the file that another host has left; nil if it does not exist.
    init?(left name: String, in directory: borrowing Directory) {
        guard let file = try? directory.openForReading(name) else { return nil }
        key = nil
        self.file = file
        path = directory.child(name)
    }

    /// Extends the file from `old` to `count` slots, in whole pages. Disk space is reserved, since the worker maps the
    /// file, and a hole that cannot be filled would kill it.
    func lengthen(from old: Int = 0, to count: Int) throws(SystemError) {
        func allocate(_ start: Int, _ size: Int) throws(SystemError) {
            let end = (start + count * size + 4095) / 4096 * 4096
            try file.allocate(from: start + old * size, to: end, subject: path)
        }
        try allocate(0, LedgerReplica.size)
        try allocate(LedgerAnnex.start, LedgerAnnex.size)
        try allocate(LedgerSlot.start, LedgerSlot.size)
    }

    /// The state in a slot: from its replica, or from the slot itself if the replica is not whole. The replica has the time
    /// that matters in its state; the others come from the slot, or are 0. The caller must check the session.
    func snapshot(slot: Int) -> LedgerSnapshot? {
        let read = readSlot(slot).map { LedgerReader.snapshot($0) }
        guard case .whole(var snapshot) = replica(slot) else { return read }
        snapshot.isSealed = true
        if let read, read.session == snapshot.session {
            if snapshot.state == .waiting { snapshot.began = read.began } else { snapshot.due = read.due }
            snapshot.wallDue = read.wallDue
            snapshot.passed = min(read.passed, snapshot.failures)
        }
        return snapshot
    }

    /// Whether the replica of a slot was overwritten by something other than the worker.
    func isSpoiled(slot: Int) -> Bool { replica(slot) == .spoiled }

    /// The bytes of a slot, and of its annex if it has one; nil if the file does not contain the slot completely.
    func bytes(slot: Int) -> LedgerBytes? {
        LedgerBytes.read(
            slot: { readSlot(slot) }, annex: { read(slot, start: LedgerAnnex.start, size: LedgerAnnex.size) })
    }

    private func readSlot(_ slot: Int) -> [UInt8]? { read(slot, start: LedgerSlot.start, size: LedgerSlot.size) }

    private func replica(_ slot: Int) -> LedgerReader.Replica {
        read(slot, start: 0, size: LedgerReplica.size).map { LedgerReader.replica($0, key: key) } ?? .unused
    }

    private func read(_ slot: Int, start: Int, size: Int) -> [UInt8]? {
        guard (0..<LedgerSlot.mostInFile).contains(slot),
            let bytes = try? file.read(count: size, at: start + slot * size, subject: "ledger"), bytes.count == size
        else { return nil }
        return bytes
    }
}

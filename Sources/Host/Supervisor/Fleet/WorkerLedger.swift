internal import HostPolicy
internal import HostSystem
internal import HostWire

/// The file in which one worker counts: its ledger's slots, behind the slots' twins.
struct WorkerLedger: ~Copyable {
    /// A descriptor for the worker.
    let file: Descriptor
    /// The file's path, for messages.
    private let path: String

    /// A new file of that name.
    init(_ name: String, in directory: borrowing Directory) throws(SystemError) {
        file = try directory.create(name)
        path = directory.child(name)
    }

    /// A file that nobody else sees.
    init() throws(SystemError) {
        file = try Descriptor.memory("ledger")
        path = "ledger"
    }

    /// The file that another host has left; nil when it is not there.
    init?(left name: String, in directory: borrowing Directory) {
        guard let file = try? directory.openForReading(name) else { return nil }
        self.file = file
        path = directory.child(name)
    }

    /// Makes room for so many slots, where there was some for `old`: on the disk, since the worker maps the file, and a hole
    /// that cannot be filled would end it. In whole pages, for what the system maps.
    func lengthen(from old: Int = 0, to count: Int) throws(SystemError) {
        func allocate(_ start: Int, _ size: Int) throws(SystemError) {
            let end = (start + count * size + 4095) / 4096 * 4096
            try file.allocate(from: start + old * size, to: end, subject: path)
        }
        try allocate(0, LedgerTwin.size)
        try allocate(LedgerSlot.start, LedgerSlot.size)
    }

    /// What is counted in the slot of that number: by its twin, or, when that is not whole, by the slot. The times are
    /// the slot's, or 0. The caller checks the session.
    func snapshot(slot: Int) -> LedgerSnapshot? {
        let read = bytes(slot: slot).map { LedgerReader.snapshot($0) }
        guard case .whole(var snapshot) = twin(slot) else { return read }
        if let read, read.session == snapshot.session {
            snapshot.began = read.began
            snapshot.due = read.due
            snapshot.wallDue = read.wallDue
            snapshot.passed = min(read.passed, snapshot.failures)
        }
        return snapshot
    }

    /// Whether something else than the worker wrote on the twin of that slot.
    func isSpoiled(slot: Int) -> Bool { twin(slot) == .spoiled }

    /// The bytes of that slot; nil when the file does not hold it whole.
    func bytes(slot: Int) -> [UInt8]? {
        read(slot, start: LedgerSlot.start, size: LedgerSlot.size)
    }

    private func twin(_ slot: Int) -> LedgerReader.Twin {
        read(slot, start: 0, size: LedgerTwin.size).map { LedgerReader.twin($0) } ?? .unused
    }

    private func read(_ slot: Int, start: Int, size: Int) -> [UInt8]? {
        guard (0..<LedgerSlot.mostInFile).contains(slot),
            let bytes = try? file.read(count: size, at: start + slot * size, subject: "ledger"), bytes.count == size
        else { return nil }
        return bytes
    }
}

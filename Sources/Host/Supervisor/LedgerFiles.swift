internal import HostCore
internal import HostSystem

/// The two files in which one worker counts: its ledger, and the twins of the ledger's slots.
struct LedgerFiles: ~Copyable {
    /// A descriptor for the worker.
    let slots: Descriptor
    /// A descriptor for the worker.
    let twins: Descriptor

    /// New files of that name.
    init(_ name: String, in directory: borrowing Directory) throws(SystemError) {
        let slots = try directory.create(name)
        twins = try directory.create(Self.twin(of: name))
        self.slots = slots
    }

    /// Files that nobody else sees.
    init() throws(SystemError) {
        let slots = try Descriptor.memory("ledger")
        twins = try Descriptor.memory("twin")
        self.slots = slots
    }

    /// The files that another host has left; nil when they are not both there.
    init?(left name: String, in directory: borrowing Directory) {
        guard let slots = try? directory.openForReading(name),
            let twins = try? directory.openForReading(Self.twin(of: name))
        else { return nil }
        self.slots = slots
        self.twins = twins
    }

    /// Removes the files of that name.
    static func remove(_ name: String, from directory: borrowing Directory) {
        try? directory.remove(name)
        try? directory.remove(twin(of: name))
    }

    private static func twin(of name: String) -> String { name.prefix { $0 != "." } + ".twin" }

    /// Makes room for so many slots.
    func lengthen(to count: Int) throws(SystemError) {
        try slots.truncate(to: count * LedgerSlot.size, subject: "ledger")
        try twins.truncate(to: count * LedgerTwin.size, subject: "ledger's twin")
    }

    /// What is counted in the slot of that number: by its twin, or, when that is not whole, by the slot. The times are
    /// the slot's, or 0. The caller checks the session.
    func snapshot(slot: Int) -> LedgerSnapshot? {
        let read = LedgerReader.read(slots, slot: slot)
        guard case .whole(var snapshot) = twin(slot) else { return read }
        if let read, read.session == snapshot.session {
            snapshot.began = read.began
            snapshot.due = read.due
        }
        return snapshot
    }

    /// Whether something else than the worker wrote on the twin of that slot.
    func isSpoiled(slot: Int) -> Bool { twin(slot) == .spoiled }

    private func twin(_ slot: Int) -> LedgerReader.Twin {
        guard slot >= 0,
            let bytes = try? twins.read(count: LedgerTwin.size, at: slot * LedgerTwin.size, subject: "ledger's twin")
        else { return .unused }
        return LedgerReader.twin(bytes)
    }
}

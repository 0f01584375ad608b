internal import HostSystem
internal import HostWire
internal import Synchronization

/// The worker's ledger: the slots, their annexes (`LedgerAnnex`) and their replicas (`LedgerReplica`), in a file that the
/// supervisor creates and reads.
@safe final class LedgerFile: @unchecked Sendable {
    // @unchecked: the slots consist of atomics; the mappings never change.

    private let slots: Mapping?
    private let annexes: Mapping?
    private let replicas: GuardedMapping?
    private let firstSlot: UnsafeMutableRawPointer?
    private let firstAnnex: UnsafeMutableRawPointer?
    private let firstReplica: UnsafeMutableRawPointer?
    /// What the replicas are sealed with: the supervisor says it before the worker loads anything.
    /// It stays at its address, which the sessions have.
    let key: UnsafeMutablePointer<LedgerKey>
    /// A slot that is never read, for a routine without a session.
    let scratch: UnsafeMutablePointer<LedgerSlot>
    private let scratchAnnex: UnsafeMutablePointer<LedgerAnnex>
    /// The replica of `scratch`.
    let scratchReplica: UnsafeMutablePointer<LedgerReplica>

    /// Maps slots, annexes and replicas of the file separately. The mappings extend past the file's end; the supervisor
    /// extends the file before it assigns a slot.
    init(_ descriptor: borrowing Descriptor) throws(SystemError) {
        precondition(
            MemoryLayout<LedgerSlot>.size == LedgerSlot.size && MemoryLayout<LedgerAnnex>.size == LedgerAnnex.size
                && MemoryLayout<LedgerReplica>.size == LedgerReplica.size,
            "the ledger's layout is a file format")
        unsafe key = .allocate(capacity: 1)
        unsafe key.initialize(to: .unkeyed)
        let slots = try Mapping(
            descriptor, at: LedgerSlot.start, size: LedgerSlot.mostInFile * LedgerSlot.size, writable: true,
            subject: "ledger")
        unsafe firstSlot = slots.start
        let annexes = try Mapping(
            descriptor, at: LedgerAnnex.start, size: LedgerSlot.mostInFile * LedgerAnnex.size, writable: true,
            subject: "ledger's annex")
        unsafe firstAnnex = annexes.start
        let replicas = try GuardedMapping(descriptor, size: LedgerAnnex.start, subject: "ledger's replica")
        unsafe firstReplica = replicas.start
        self.slots = consume slots
        self.annexes = consume annexes
        self.replicas = consume replicas
        unsafe scratch = Self.makeScratch(LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
        unsafe scratchAnnex = Self.makeScratch(LedgerAnnex.size).assumingMemoryBound(to: LedgerAnnex.self)
        unsafe scratchReplica = Self.makeScratch(LedgerReplica.size).assumingMemoryBound(to: LedgerReplica.self)
    }

    /// The slot of that number; the scratch slot if the number is out of range.
    func slot(_ number: Int) -> UnsafeMutablePointer<LedgerSlot> {
        guard let first = unsafe firstSlot, (0..<LedgerSlot.mostInFile).contains(number) else { return unsafe scratch }
        return unsafe (first + number * LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
    }

    /// The annex of the slot of that number; the scratch annex if the number is out of range.
    func annex(_ number: Int) -> UnsafeMutablePointer<LedgerAnnex> {
        guard let first = unsafe firstAnnex, (0..<LedgerSlot.mostInFile).contains(number) else {
            return unsafe scratchAnnex
        }
        return unsafe (first + number * LedgerAnnex.size).assumingMemoryBound(to: LedgerAnnex.self)
    }

    /// The replica of the slot of that number; the scratch replica if the number is out of range.
    func replica(_ number: Int) -> UnsafeMutablePointer<LedgerReplica> {
        guard let first = unsafe firstReplica, (0..<LedgerSlot.mostInFile).contains(number) else {
            return unsafe scratchReplica
        }
        return unsafe (first + number * LedgerReplica.size).assumingMemoryBound(to: LedgerReplica.self)
    }

    private static func makeScratch(_ size: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return unsafe memory
    }
}

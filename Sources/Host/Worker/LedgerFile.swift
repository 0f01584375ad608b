internal import HostSystem
internal import HostWire
internal import Synchronization

/// The worker's ledger: the slots and their replicas (`LedgerTwin`), in a file that the supervisor creates and reads.
@safe final class LedgerFile: @unchecked Sendable {
    // @unchecked: the slots consist of atomics; the mappings never change.

    private let slots: Mapping?
    private let twins: GuardedMapping?
    private let firstSlot: UnsafeMutableRawPointer?
    private let firstTwin: UnsafeMutableRawPointer?
    /// What the twins are sealed with: the supervisor says it before the worker loads anything.
    var key = LedgerKey.unkeyed
    /// A slot that is never read, for a routine without a session.
    let scratch: UnsafeMutablePointer<LedgerSlot>
    /// The replica of `scratch`.
    let scratchTwin: UnsafeMutablePointer<LedgerTwin>

    /// Maps the slots and the replicas of the file separately. The mappings extend past the file's end; the supervisor
    /// extends the file before it assigns a slot.
    init(_ descriptor: borrowing Descriptor) throws(SystemError) {
        precondition(
            MemoryLayout<LedgerSlot>.size == LedgerSlot.size && MemoryLayout<LedgerTwin>.size == LedgerTwin.size,
            "the ledger's layout is a file format")
        let slots = try Mapping(
            descriptor, at: LedgerSlot.start, size: LedgerSlot.mostInFile * LedgerSlot.size, writable: true,
            subject: "ledger")
        unsafe firstSlot = slots.start
        let twins = try GuardedMapping(descriptor, size: LedgerSlot.start, subject: "ledger's twin")
        unsafe firstTwin = twins.start
        self.slots = consume slots
        self.twins = consume twins
        unsafe scratch = Self.makeScratch(LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
        unsafe scratchTwin = Self.makeScratch(LedgerTwin.size).assumingMemoryBound(to: LedgerTwin.self)
    }

    /// The slot of that number; the scratch slot if the number is out of range.
    func slot(_ number: Int) -> UnsafeMutablePointer<LedgerSlot> {
        guard let first = unsafe firstSlot, (0..<LedgerSlot.mostInFile).contains(number) else { return unsafe scratch }
        return unsafe (first + number * LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
    }

    /// The replica of the slot of that number; the scratch replica if the number is out of range.
    func twin(_ number: Int) -> UnsafeMutablePointer<LedgerTwin> {
        guard let first = unsafe firstTwin, (0..<LedgerSlot.mostInFile).contains(number) else {
            return unsafe scratchTwin
        }
        return unsafe (first + number * LedgerTwin.size).assumingMemoryBound(to: LedgerTwin.self)
    }

    private static func makeScratch(_ size: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return unsafe memory
    }
}

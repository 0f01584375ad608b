internal import HostCore
internal import HostSystem
internal import Synchronization

/// The worker's ledger: slots in a file that the supervisor made, and reads.
@safe final class LedgerFile: @unchecked Sendable {
    // @unchecked: the slots are atomics; the mapping never changes.

    private let mapping: Mapping?
    private let start: UnsafeMutableRawPointer?
    /// A slot that nobody reads, for a routine that has no session.
    let scratch: UnsafeMutablePointer<LedgerSlot>

    /// Maps the file of that descriptor. The mapping goes past the file's end; the supervisor lengthens the file
    /// before it names a slot.
    init(_ descriptor: borrowing Descriptor) throws(SystemError) {
        precondition(MemoryLayout<LedgerSlot>.size == LedgerSlot.size, "the ledger's layout is a file format")
        let mapping = try Mapping(
            descriptor, size: LedgerSlot.mostInFile * LedgerSlot.size, writable: true, subject: "ledger")
        unsafe start = mapping.start
        self.mapping = consume mapping
        unsafe scratch = Self.makeScratch()
    }

    /// The slot of that number; the scratch slot for one out of range.
    func slot(_ number: Int) -> UnsafeMutablePointer<LedgerSlot> {
        guard let start = unsafe start, (0..<LedgerSlot.mostInFile).contains(number) else { return unsafe scratch }
        return unsafe (start + number * LedgerSlot.size).assumingMemoryBound(to: LedgerSlot.self)
    }

    private static func makeScratch() -> UnsafeMutablePointer<LedgerSlot> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: LedgerSlot.size, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: LedgerSlot.size)
        return unsafe memory.assumingMemoryBound(to: LedgerSlot.self)
    }
}

import HostSystem
import HostWire
import Synchronization
import Testing

@testable import HostWorker

/// Threads that run different routines write to different cache lines: of the ledger, its replicas, and what the worker
/// keeps itself. The benchmark "false sharing" measures the same.
@Suite("Cache lines")
struct CacheLineTests {
    /// Bytes that processors take from each other as a whole.
    private static let line: UInt = 64

    /// The lines that a piece of memory is in.
    private func lines(_ pointer: UnsafeRawPointer, _ size: Int) -> ClosedRange<UInt> {
        let first = UInt(bitPattern: pointer)
        return first / Self.line...(first + UInt(size) - 1) / Self.line
    }

    @Test("a slot and a replica are whole lines")
    func sizes() {
        #expect(MemoryLayout<LedgerSlot>.size == 640 && LedgerSlot.size.isMultiple(of: 128))
        #expect(MemoryLayout<LedgerReplica>.size == 64 && LedgerReplica.size.isMultiple(of: Int(Self.line)))
    }

    @Test("the histograms are where they are looked for before a cycle writes to them")
    func histograms() throws {
        let kit = unsafe try PluginKit([Script()])
        let slot = unsafe kit.context.ledger.slot(0)
        unsafe slot.pointee.durations[0].store(11, ordering: .relaxed)
        unsafe slot.pointee.lateness[0].store(22, ordering: .relaxed)
        let bytes = UnsafeRawPointer(slot)
        #expect(unsafe bytes.load(fromByteOffset: LedgerSlot.durationsOffset, as: UInt64.self) == 11)
        #expect(unsafe bytes.load(fromByteOffset: LedgerSlot.latenessOffset, as: UInt64.self) == 22)
    }

    @Test("whatever a plugin gives as its own pointer, no turn fails since it is brought near")
    func anyPointer() {
        var fetched = 0
        for address in [1, 4096, UInt(Int.max), .max - 63, .max] {
            guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { continue }
            unsafe ProcessorCache.fetch(pointer, bytes: 64)
            fetched += 1
        }
        #expect(fetched == 5)
    }

    @Test("what a cycle writes for one routine shares no line with what it writes for another")
    func routines() throws {
        let kit = unsafe try PluginKit((0..<50).map { _ in Script() })
        let ledger = kit.context.ledger
        var taken: [(of: Int, lines: ClosedRange<UInt>)] = []
        for (index, runner) in kit.context.runners.enumerated() {
            unsafe taken.append((index, lines(ledger.slot(index), LedgerSlot.size)))
            unsafe taken.append((index, lines(ledger.replica(index), LedgerReplica.size)))
            unsafe taken.append((index, lines(runner.cell, MemoryLayout<RoutineCell>.size)))
        }
        unsafe taken.append((-1, lines(ledger.scratch, LedgerSlot.size)))
        unsafe taken.append((-2, lines(ledger.scratchReplica, LedgerReplica.size)))
        taken.sort { $0.lines.lowerBound < $1.lines.lowerBound }
        for (one, next) in zip(taken, taken.dropFirst()) {
            #expect(one.lines.upperBound < next.lines.lowerBound, "of routines \(one.of) and \(next.of)")
        }
    }

    @Test("a cell begins with a line: what is beside it in memory is in others")
    func cells() throws {
        let kit = unsafe try PluginKit((0..<50).map { _ in Script() })
        for runner in kit.context.runners {
            let address = unsafe UInt(bitPattern: runner.cell)
            #expect(address.isMultiple(of: Self.line))
        }
    }
}

import HostSystem
import HostTestKit
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
        #expect(MemoryLayout<LedgerSlot>.size == 320 && LedgerSlot.size.isMultiple(of: Int(Self.line)))
        #expect(MemoryLayout<LedgerAnnex>.size == 320 && LedgerAnnex.size.isMultiple(of: Int(Self.line)))
        #expect(MemoryLayout<LedgerReplica>.size == 64 && LedgerReplica.size.isMultiple(of: Int(Self.line)))
    }

    /// What 100 000 routines have each.
    @Test("a cell is three lines, and a runner no larger than what is fetched of it")
    func sizesOfARoutine() throws {
        #expect(MemoryLayout<RoutineCell>.size == 192 && MemoryLayout<CallbackPlace>.size <= Thread.blockSize)
        let kit = unsafe try PluginKit((0..<100).map { _ in Script() })
        #expect(heapSize(of: kit.context.runners) <= RoutineRunner.size + 16)
    }

    @Test("the histograms are where their reader looks for them")
    func histograms() throws {
        let kit = unsafe try PluginKit([Script()])
        let slot = unsafe kit.context.ledger.slot(0)
        unsafe slot.pointee.durations[0].store(11, ordering: .relaxed)
        unsafe slot.pointee.lateness[0].store(22, ordering: .relaxed)
        let bytes = UnsafeRawPointer(slot)
        #expect(unsafe bytes.load(fromByteOffset: LedgerSlot.durationsOffset, as: UInt32.self) == 11)
        #expect(unsafe bytes.load(fromByteOffset: LedgerSlot.latenessOffset, as: UInt32.self) == 22)
        let annex = unsafe kit.context.ledger.annex(0)
        unsafe annex.pointee.durations[23].store(33, ordering: .relaxed)
        unsafe annex.pointee.lateness[23].store(44, ordering: .relaxed)
        let beside = UnsafeRawPointer(annex)
        #expect(unsafe beside.load(fromByteOffset: LedgerAnnex.durationsOffset + 92, as: UInt32.self) == 33)
        #expect(unsafe beside.load(fromByteOffset: LedgerAnnex.latenessOffset + 92, as: UInt32.self) == 44)
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
            unsafe taken.append((index, lines(ledger.annex(index), LedgerAnnex.size)))
            unsafe taken.append((index, lines(ledger.replica(index), LedgerReplica.size)))
            unsafe taken.append((index, lines(runner.cell, MemoryLayout<RoutineCell>.size)))
        }
        unsafe taken.append((-1, lines(ledger.scratch, LedgerSlot.size)))
        unsafe taken.append((-2, lines(ledger.scratchReplica, LedgerReplica.size)))
        unsafe taken.append((-3, lines(ledger.annex(-1), LedgerAnnex.size)))
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

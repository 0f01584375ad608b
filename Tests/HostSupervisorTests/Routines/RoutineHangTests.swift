import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Sessions that stand still, by what their ledgers say, in virtual time and without a worker.
@Suite struct RoutineHangTests {
    private let harness = BookHarness()
    private var book: RoutineBook { harness.book }

    /// What the ledger says of the session of a routine.
    private func says(_ routine: Int, _ state: LedgerState, cycle: UInt64 = 1, dueIn seconds: Int64 = 0) {
        guard let id = harness.sessions[routine], let seat = harness.seats[routine] else { return }
        harness.ledgers.snapshots[seat.slot] = LedgerSnapshot(
            session: id.rawValue, state: state, cycle: cycle, began: harness.clock.boot(),
            due: harness.clock.boot() + seconds * 1_000_000_000, thread: 7)
        book.settle()
    }

    @Test func `a worker that stands still between cycles is ended, within a minute where nothing is configured`() {
        book.add(BookHarness.program(1))
        harness.perform()
        says(0, .waiting, dueIn: 1)
        harness.wait(50)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty)
        harness.wait(20)
        harness.perform()
        #expect(harness.endedWorkers == harness.seats.values.map(\.self))
    }

    /// A slot can be written by whoever can write the file; a sealed replica by its worker alone.
    @Test func `nobody can say of a neighbour that its callback has run for long already`() throws {
        book.add(BookHarness.program(1))
        harness.perform()
        let seat = try #require(harness.seats[0])
        func says(_ state: LedgerState, began: BootTime, dueIn seconds: Int64, isSealed: Bool) {
            var snapshot = LedgerSnapshot(
                session: harness.sessions[0]?.rawValue ?? 0, state: state, cycle: 1, began: began,
                due: harness.clock.boot() + seconds * 1_000_000_000, thread: 7)
            snapshot.isSealed = isSealed
            harness.ledgers.snapshots[seat.slot] = snapshot
            book.settle()
        }
        says(.waiting, began: harness.clock.boot(), dueIn: 3000, isSealed: true)
        harness.wait(2990)
        says(.running, began: 1, dueIn: 0, isSealed: false)
        harness.wait(40)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty, "it is not over its time at once")
        says(.waiting, began: harness.clock.boot(), dueIn: 100, isSealed: true)
        harness.wait(99)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty)
        // What stays so has one timeout, and is told as what it is.
        says(.running, began: 1, dueIn: 0, isSealed: false)
        harness.wait(200)
        let said = book.take().compactMap { if case .endHung(_, _, _, let say) = $0 { say } else { nil } }
        #expect(said.count == 1 && said.first?.contains("its ledger was written on") == true, "\(said)")
    }

    @Test func `a paused routine is not late, and one that is resumed may be`() {
        book.add(BookHarness.program(1))
        harness.perform()
        says(0, .waiting)
        #expect(harness.order(.pause, "p/r0").map(\.isDone) == [true])
        harness.wait(3600)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty)
        #expect(harness.order(.resume, "p/r0").map(\.isDone) == [true])
        book.settle()
        harness.wait(50)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty)
        harness.wait(20)
        harness.perform()
        #expect(harness.endedWorkers.count == 1)
    }

    @Test func `a cycle that a person wants now is awaited, whenever the next one is due`() {
        book.add(BookHarness.program(1))
        harness.perform()
        says(0, .waiting, dueIn: 36_000)
        harness.wait(100)
        harness.perform()
        #expect(harness.order(.runNow, "p/r0").map(\.isDone) == [true])
        book.settle()
        harness.wait(70)
        harness.perform()
        #expect(harness.endedWorkers.count == 1)
    }

    @Test func `a session that is over by its ledger is awaited for seconds`() {
        book.add(BookHarness.program(1, routines: 2))
        harness.perform()
        says(0, .ended)
        says(1, .ended)
        harness.wait(2)
        harness.end(1, .endedByRoutine)
        harness.wait(4)
        harness.perform()
        #expect(harness.endedWorkers == [harness.seats[0]])
    }

    @Test func `what a person asks of a session that has just gone over its time hides no hang`() {
        book.add(BookHarness.program(1))
        harness.perform()
        says(0, .waiting, dueIn: 1)
        harness.wait(50)
        harness.clock.advance(seconds: 20)  // its time passes before anybody looks
        #expect(harness.order(.runNow, "p/r0").map(\.isDone) == [true])
        book.settle()
        harness.wait(70)
        harness.perform()
        #expect(harness.endedWorkers.count == 1)
    }
}

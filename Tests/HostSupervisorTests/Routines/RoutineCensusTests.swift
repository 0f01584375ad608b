import AllocationCounter
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// What is asked of all routines at each event, and what one routine's event costs beside many others.
@Suite struct RoutineCensusTests {
    private static let dead: [SessionEnd] = [.crash, .error, .maxCycles, .stopped, .exit, .timeout]

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `it says what a look through all routines says, whatever happens to them`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let harness = BookHarness()
        let book = harness.book
        for number in 1...2 { book.add(BookHarness.program(number, "p\(number)", routines: 5)) }
        for step in 1...400 {
            harness.hasWorkers = random.below(5) > 0
            let routine = random.below(10)
            let name = "p\(1 + routine / 5)/r\(routine % 5)"
            let orders: [ControlRequest.Action] = [.pause, .resume, .restart, .stop, .runNow]
            switch random.below(8) {
            case 0: _ = harness.order(orders[random.below(orders.count)], name)
            case 1: harness.wait(Int64(random.below(100)))
            case 2: book.couldNotBegin(routine, "no worker")
            case 3: harness.end(routine, .error, .quarantine)
            default: harness.end(routine, Self.dead[random.below(Self.dead.count)])
            }
            if random.below(3) > 0 { harness.perform() }
            if step == 350 {
                book.retire(1, as: .removed, "its file is gone")
                harness.perform()
                for routine in 0..<5 { harness.end(routine, .stopped) }
                harness.perform()
                book.forget([1])
            }
            let all = Array(book.routines.values)
            #expect(book.census.quarantined == Set(all.filter { $0.policy.state == .quarantined }.map(\.key)))
            #expect(book.census.alive == all.count { $0.policy.isAlive })
            #expect(book.tally.running == all.count { $0.session != nil } && book.tally.routines == all.count)
            #expect(book.tally.quarantined.count == book.census.quarantined.count)
            for number in 1...2 {
                let has = all.contains { $0.owner.program.number == number && $0.session != nil }
                #expect(book.hasSessions(number) == has)
            }
            let isIdle = all.allSatisfy { !$0.policy.isAlive && $0.session == nil && !$0.isStartPending }
            #expect(book.isIdle == isIdle)
        }
    }

    @Test func `there is progress to show while a routine with an end is in a session`() {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, maxCycles: 5))
        harness.book.add(BookHarness.program(2, "q"))
        #expect(!harness.book.hasProgress)
        harness.perform()
        #expect(harness.book.hasProgress && harness.book.progress(most: 9) { _ in 0 }.map(\.plugin) == ["p"])
        harness.end(0, .maxCycles)
        #expect(!harness.book.hasProgress && harness.book.progress(most: 9) { _ in 0 }.isEmpty)
    }

    /// Allocations for the end of one session and what follows from it, beside so many routines. Each identifier that is
    /// made takes one.
    private func cost(beside routines: Int) -> UInt64 {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, "a-plugin-with-a-long-name", routines: routines))
        harness.perform()
        harness.end(0, .crash)
        harness.perform()
        harness.wait(5)
        harness.perform()
        let before = allocation_count()
        harness.end(0, .crash)
        harness.perform()
        _ = (harness.book.tally, harness.book.hasProgress, harness.book.isIdle)
        harness.wait(5)
        harness.book.settle()
        return allocation_count() - before
    }

    @Test func `the end of a session costs no more beside three thousand routines`() {
        #expect(cost(beside: 3000) < cost(beside: 5) + 1000)
    }

    @Test func `what could not be saved is saved with the next change, and what is as it was is not`() {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, routines: 3))
        harness.perform()
        harness.tallies.fault = SystemError("write", "tally.json", number: 28)
        #expect(harness.order(.pause, "p/r0").first?.isDone == false)
        harness.tallies.fault = nil
        _ = harness.order(.pause, "p/r1")
        #expect(Set(harness.tallies.tallies.keys) == ["p/r0", "p/r1"])
        let saves = harness.tallies.saves
        harness.end(2, .endedByRoutine)
        harness.wait(5)
        #expect(harness.tallies.saves == saves)
        _ = harness.order(.resume, "p/r0", "p/r1")
        #expect(harness.tallies.tallies.isEmpty)
    }

    @Test func `a quarantine is saved at once`() {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1))
        harness.perform()
        harness.wait(5)
        harness.end(0, .error, cycles: 0, .quarantine)
        #expect(harness.book.tally.quarantined == ["p/r0"])
        let loaded = harness.tallies.tallies["p/r0"].map {
            RestartPolicy(restoring: $0, at: harness.clock.monotonic(), wall: harness.clock.wall())
        }
        #expect(loaded?.state == .quarantined)
    }
}

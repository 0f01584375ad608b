import CPluginAPI
import HostSystem
import HostValues
import HostWire
import Testing

@testable import HostWorker

/// Cycles that wait for the host's word, through the real runner in virtual time.
@Suite struct CycleGateTests {
    private let clock = TestClock()
    private let starts = Log()

    private func runner(_ set: (inout WorkerCommand.Start) -> Void = { _ in }) throws -> (PluginKit, RoutineRunner) {
        let script = Script { [clock, starts] _ in
            starts.add("\(clock.boot().nanoseconds)")
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        var order = kit.order(waitMs: 1000, maxCycles: 3)
        order.takesTurns = true
        set(&order)
        let runner = kit.context.runners[0]
        try #require(runner.prepare(order))
        return (kit, runner)
    }

    private func due(_ turn: RunPool.Turn) -> BootTime? { if case .due(let due) = turn { due } else { nil } }

    @Test func aCycleBeginsWhenTheHostSaysSo() throws {
        let (kit, runner) = try runner()
        let begin = clock.boot()
        #expect(due(runner.takeTurn()) == .never && starts.all.isEmpty)
        guard case .wantsTurn(let slot, _, 1, begin)? = try kit.next() else { return #expect(Bool(false)) }
        #expect(slot == 0)
        clock.advance(400)
        // A word for another wish, and a look because the clock was set, change nothing.
        runner.requests.grant(7)
        #expect(due(runner.takeTurn()) == .never && starts.all.isEmpty)
        runner.requests.grant(1)
        #expect(due(runner.takeTurn()) == begin + 1_000_000_000)
        #expect(starts.all == ["\((begin + 400).nanoseconds)"])
        guard case .turnOver? = try kit.next() else { return #expect(Bool(false)) }
        // Its word is good for one cycle.
        clock.advance(1_000_000_000)
        #expect(due(runner.takeTurn()) == .never && starts.all.count == 1)
    }

    @Test func aStopAndAPauseTakeTheWishBack() throws {
        let (kit, runner) = try runner()
        _ = runner.takeTurn()
        _ = try kit.next()
        runner.ask(.pause)
        #expect(due(runner.takeTurn()) == .never && starts.all.isEmpty)
        guard case .turnOver? = try kit.next() else { return #expect(Bool(false)) }
        runner.requests.grant(1)  // it came too late
        #expect(due(runner.takeTurn()) == .never && starts.all.isEmpty)
        runner.ask(.resume)
        _ = runner.takeTurn()
        guard case .wantsTurn(_, _, 2, _)? = try kit.next() else { return #expect(Bool(false)) }
        runner.ask(.stop)
        guard case .over = runner.takeTurn() else { return #expect(Bool(false)) }
        guard case .turnOver? = try kit.next() else { return #expect(Bool(false)) }
        #expect(try kit.nextEnd()?.reason.end == .stopped && starts.all.isEmpty)
    }

    /// The plan decides once more at the grant: of the times that came meanwhile the latest one runs, alone, and one that is
    /// too late by then does not.
    @Test(
        arguments: [
            (0, 20, [220, 200], 0), (0, 650, [850, 800], 2), (30_000, 20, [220, 200], 0), (30_000, 100, [], 1),
            (30_000, 320, [520, 500], 1),
        ] as [(Int64, Int64, [Int64], UInt64)])
    func timesThatPassAtTheGate(_ deadlineMs: Int64, _ waited: Int64, _ begun: [Int64], _ missed: UInt64) throws {
        let begin: Int64 = 1_000_000_000
        clock.setWall(by: WallTime(nanoseconds: begin * 1_000_000_000) - clock.wall())
        let script = Script { [clock, starts] scheduler in
            unsafe starts.add("\(clock.wall().seconds - begin) \(place(scheduler).due_ms / 1000 - begin)")
            return 0
        }
        let kit = unsafe try PluginKit([script], clock: clock)
        var order = kit.order()
        order.takesTurns = true
        order.timing.schedules = ["*:0/5 UTC"]
        order.timing.deadlineMs = deadlineMs
        let runner = kit.context.runners[0]
        try #require(runner.prepare(order))
        var turn = due(runner.takeTurn())
        while let due = turn, due != .never {
            clock.advance(due - clock.boot())
            turn = self.due(runner.takeTurn())
        }
        guard case .wantsTurn(_, _, 1, _)? = try kit.next() else { return #expect(Bool(false)) }
        clock.advance(waited * 1_000_000_000)
        runner.requests.grant(1)
        #expect(due(runner.takeTurn()) != .never)
        #expect(starts.all == (begun.isEmpty ? [] : [begun.map(String.init).joined(separator: " ")]))
        // The turn is given back also where no cycle began.
        guard case .turnOver? = try kit.next() else { return #expect(Bool(false)) }
        runner.ask(.stop)
        _ = runner.takeTurn()
        #expect(try kit.nextEnd()?.missed == missed)
    }

    @Test func aStopWinsOverAGrant() throws {
        let (kit, runner) = try runner()
        _ = runner.takeTurn()
        _ = try kit.next()
        runner.requests.grant(1)
        runner.ask(.stop)
        guard case .over = runner.takeTurn() else { return #expect(Bool(false)) }
        guard case .turnOver? = try kit.next() else { return #expect(Bool(false)) }
        #expect(try kit.nextEnd()?.reason.end == .stopped && starts.all.isEmpty)
    }

    @Test func withoutBoundsNobodyIsAsked() throws {
        let (kit, runner) = try runner { $0.takesTurns = false }
        while let due = due(runner.takeTurn()) { clock.advance(due - clock.boot()) }
        #expect(starts.all.count == 3)
        guard case .ended? = try kit.next() else { return #expect(Bool(false)) }
    }
}

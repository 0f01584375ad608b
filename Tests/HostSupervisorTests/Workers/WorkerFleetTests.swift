import HostPolicy
import HostSystem
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// The workers of a host in virtual time, without a process.
@Suite struct WorkerFleetTests {
    let harness = FleetHarness()
    var fleet: WorkerFleet { harness.fleet }

    @Test func `a crash storm of 100 plugins is told once for each session, and leaves nothing behind`() throws {
        var expected: Set<SessionID> = []
        for plugin in 0..<100 {
            let (worker, seats) = try harness.serve(plugin, sessions: 3)
            expected.formUnion(seats.map(\.0))
            #expect(worker.starts.isEmpty)
        }
        for worker in harness.launcher.workers { worker.report(.died(.signaled(11))) }
        let deaths = harness.deaths()
        #expect(deaths.count == 100)
        let told = deaths.flatMap(\.verdict.sessions)
        #expect(told.count == 300 && Set(told.map(\.id)) == expected)
        #expect(told.allSatisfy { $0.reason.end == .crash && $0.counts?.cycle == 3 })
        #expect(Set(deaths.map(\.ledger)).count == 100)
        #expect(fleet.isEmpty)
        harness.wait(100)
        #expect(harness.deaths().isEmpty)
    }

    @Test func `who shares a worker and names a path that it lacks gets another one, and what runs goes on`() throws {
        func load(_ plugin: Int, _ paths: String...) -> Load {
            var load = FleetHarness.load(plugin, .shared)
            var sandbox = SandboxSettings()
            sandbox.named = paths
            load.limits = WorkerLimits().naming(sandbox)
            return load
        }
        let (first, seats) = try harness.serve(0, .shared)
        try fleet.prepare(load(1, "/a"))
        #expect(harness.launcher.workers.count == 2 && !first.mustQuit)
        let second = harness.launcher.workers[1]
        second.answerLoads()
        // It has the paths of all: whoever comes with the same ones, or none, is served by it.
        try fleet.prepare(load(2))
        try fleet.prepare(load(3, "/a"))
        #expect(harness.launcher.workers.count == 2)
        try fleet.prepare(load(4, "/b"))
        try fleet.prepare(load(5, "/a", "/b"))
        #expect(harness.launcher.workers.count == 3)
        // The first ends when its sessions are over.
        fleet.unseat(seats[0].0, seats[0].1)
        fleet.retireUnused { _, _ in true }
        #expect(first.mustQuit && !harness.launcher.workers[2].mustQuit)
    }

    @Test func `a file that is replaced ten times while it is described has one description in the end`() throws {
        for number in 0..<10 {
            fleet.enqueue(number)
            #expect(fleet.nextToDescribe() == number)
            try fleet.prepare(FleetHarness.load(number, isForRunning: false))
            if number < 9 { fleet.retire(number) }
        }
        #expect(harness.launcher.workers.dropLast().allSatisfy { $0.mustQuit })
        #expect(!harness.launcher.workers[9].mustQuit)
        // Those that were told to quit answer all the same, as they may.
        for worker in harness.launcher.workers { worker.answerLoads() }
        for worker in harness.launcher.workers.dropLast() { worker.leave() }
        let described = fleet.take().compactMap { if case .described(let plugin, _) = $0 { plugin } else { nil } }
        #expect(described.last == 9)
        #expect((0..<9).allSatisfy { !fleet.holds($0) } && fleet.holds(9))
        fleet.retireUnused { _, _ in false }
        #expect(harness.launcher.workers[9].mustQuit)
    }

    @Test(arguments: [false, true]) func `in every state of a worker a stop ends in its death within bounded time`(
        atOnce: Bool
    ) throws {
        func worker(_ prepare: (FakeWorker, [(SessionID, Seat)]) -> Void) throws {
            let (worker, seats) = try harness.serve(harness.launcher.workers.count, sessions: 2)
            worker.diesOfKill = false
            prepare(worker, seats)
        }
        try fleet.prepare(FleetHarness.load(1000))
        harness.launcher.workers[0].diesOfKill = false
        try worker { _, _ in }
        try worker { _, seats in _ = fleet.overdue(seats[0].1) }
        try worker { _, seats in _ = fleet.end(seats[0].1, .hang(thread: 7)) }
        try worker { worker, seats in
            worker.hasThreads = false
            _ = fleet.end(seats[0].1, .hang(thread: 7))
        }
        try worker { worker, _ in worker.report(.left) }
        try worker { worker, _ in worker.report(.stuck) }
        try worker { worker, seats in
            worker.crash = CrashPage.Contents(signal: 11)
            _ = fleet.end(seats[0].1, .hang(thread: 7))
        }
        harness.launcher.report = nil
        try worker { worker, _ in worker.report(.died(.signaled(11))) }
        fleet.endAll()
        if atOnce { fleet.endAll(atOnce: true) }
        harness.wait(atOnce ? 20 : 30)
        let deaths = harness.deaths()
        #expect(fleet.isEmpty)
        #expect(deaths.count == 9)
        #expect(deaths.flatMap(\.verdict.sessions).count == 16)
        #expect(harness.launcher.workers.dropLast().allSatisfy { $0.isAbandoned })
    }

    @Test func `a worker that is killed and not gone is told again when it is`() throws {
        let (worker, seats) = try harness.serve(1)
        worker.diesOfKill = false
        fleet.kill(seats[0].1)
        harness.wait(6)
        let deaths = harness.deaths()
        #expect(deaths.count == 1 && deaths.first?.undead == seats[0].1.worker)
        fleet.childEnded()
        #expect(fleet.take().isEmpty, "that was another child")
        worker.hasGone = true
        fleet.childEnded()
        fleet.childEnded()
        #expect(fleet.take() == [.gone(seats[0].1.worker)])
        // One that a debugger keeps as a zombie is gone at once.
        let (zombie, doomed) = try harness.serve(3)
        (zombie.diesOfKill, zombie.hasGone) = (false, true)
        fleet.kill(doomed[0].1)
        harness.wait(6)
        #expect(harness.deaths().map(\.undead) == [nil])
        // Who dies in time is not told twice.
        let (other, _) = try harness.serve(2)
        other.report(.died(.exited(1)))
        #expect(harness.deaths().first?.undead == nil)
        fleet.childEnded()
        #expect(fleet.take().isEmpty)
    }

    @Test func `a death whose report never comes is told after 10 s, and its plugin can be loaded again at once`()
        throws
    {
        harness.launcher.report = nil
        let (worker, _) = try harness.serve(1)
        worker.report(.died(.signaled(11)))
        #expect(harness.deaths().isEmpty)
        #expect(try fleet.prepare(FleetHarness.load(1)) == .loading)
        #expect(harness.launcher.workers.count == 2)
        harness.wait(9)
        #expect(harness.deaths().isEmpty)
        harness.wait(2)
        #expect(harness.deaths().count == 1)
        #expect(!fleet.isEmpty)
    }

    @Test func `a worker that says goodbye and stays is ended after the grace`() throws {
        let (worker, seats) = try harness.serve(1)
        fleet.endAll()
        #expect(worker.mustQuit)
        worker.end(seats[0].0, slot: seats[0].1.slot)
        worker.report(.event(.goodbye))
        worker.report(.left)
        harness.wait(9)
        #expect(worker.signals.isEmpty)
        harness.wait(2)
        #expect(worker.signals == [Signals.terminate])
        harness.wait(2)
        #expect(worker.signals == [Signals.terminate, Signals.kill])
        #expect(fleet.isEmpty)
        #expect(harness.deaths().first?.verdict.sessions.isEmpty == true)
    }

    @Test func `a hang while the host stops is told as a hang`() throws {
        let (worker, seats) = try harness.serve(1, sessions: 2)
        fleet.endAll()
        #expect(fleet.end(seats[1].1, .hang(thread: 51)))
        #expect(worker.signals == [Signals.abort])
        worker.report(.died(.signaled(6)))
        let sessions = try #require(harness.deaths().first?.verdict.sessions)
        #expect(sessions.map(\.reason.end) == [.peerFailed, .timeout])
    }

    @Test func `a worker that the kernel killed for want of memory has a record that names the limit`() throws {
        let (worker, seats) = try harness.serve(1)
        harness.launcher.memoryKills[worker.pid] = 1
        worker.report(.died(.signaled(Signals.kill)))
        let reason = try #require(harness.deaths().first?.verdict.sessions.first?.reason)
        #expect(seats.count == 1 && reason.end == .crash && reason.signal == "SIGKILL")
        #expect(reason.text == "the kernel killed it, because it needed more memory than limits.memory_mb: 0")
        // Killed while it loads, the plugin is to blame, not somebody outside.
        _ = try fleet.prepare(FleetHarness.load(2))
        let loading = try #require(harness.launcher.workers.last)
        harness.launcher.memoryKills[loading.pid] = 1
        loading.report(.died(.signaled(Signals.kill)))
        #expect(harness.deaths().first?.failedLoad?.wasKilledFromOutside == false)
    }

    @Test func `a worker that crashes has room for its report, one that only closes its channel has not`() throws {
        let (worker, _) = try harness.serve(1)
        let (other, _) = try harness.serve(2)
        worker.crash = .init(signal: 11)
        worker.report(.left)
        other.report(.left)
        #expect(harness.launcher.reporting == [worker.pid])
        #expect(worker.hasRoom && !other.hasRoom)
    }

    @Test func `what a worker cannot have said is not passed on`() throws {
        let (worker, seats) = try harness.serve(1)
        let (other, others) = try harness.serve(2)
        worker.end(others[0].0, slot: others[0].1.slot)  // another worker's session
        worker.end(seats[0].0, slot: seats[0].1.slot + 1)  // another slot
        worker.report(.event(.loaded(plugin: 2)))
        worker.report(.event(.refused(plugin: 1, stage: .load, text: "x")))
        worker.report(.event(.log(.init(plugin: 2, routine: nil, level: 20, text: "x", ms: 1))))
        worker.report(.event(.goodbye))
        worker.report(.garbage)
        let events = fleet.take()
        #expect(events.count == 1)
        guard case .said(.plugin(1), .warning, _)? = events.first else {
            Issue.record("\(events)")
            return
        }
        other.end(others[0].0, slot: others[0].1.slot)
        #expect(fleet.take().count == 1)
    }

    @Test func `an end that is told twice is told on once`() throws {
        let (worker, seats) = try harness.serve(1)
        for _ in 0..<2 { worker.end(seats[0].0, slot: seats[0].1.slot) }
        let ends = fleet.take().count { if case .ended = $0 { true } else { false } }
        #expect(ends == 1)
    }

    @Test func `a worker that is to end gets nothing new, and what comes next has a worker of its own`() throws {
        let (worker, seats) = try harness.serve(1, sessions: 2)
        #expect(fleet.overdue(seats[0].1))
        #expect(worker.signals == [Signals.terminate])
        #expect(try fleet.prepare(FleetHarness.load(1)) == .loading)
        #expect(harness.launcher.workers.count == 2)
        worker.report(.died(.signaled(15)))
        let sessions = try #require(harness.deaths().first?.verdict.sessions)
        #expect(sessions.map(\.isLate) == [true, false])
    }

    @Test func `a shared worker that dies in a load has the others tried again`() throws {
        for plugin in 1...3 { try fleet.prepare(FleetHarness.load(plugin, .shared)) }
        let worker = try #require(harness.launcher.workers.first)
        worker.report(.event(.loaded(plugin: 1)))
        worker.report(.died(.signaled(11)))
        let death = try #require(harness.deaths().first)
        #expect(death.failedLoad?.load.plugin == 2)
        #expect(death.interrupted == [3])
    }

    @Test func `plugins that are being described when their worker dies in another's load are described elsewhere`()
        throws
    {
        for plugin in 1...3 {
            fleet.enqueue(plugin)
            _ = fleet.nextToDescribe()
            try fleet.prepare(FleetHarness.load(plugin, .shared, isForRunning: false))
        }
        harness.launcher.workers[0].report(.died(.signaled(11)))
        #expect(harness.deaths().first?.failedLoad?.load.plugin == 1)
        #expect(fleet.nextToDescribe() == 2)
        #expect(fleet.nextToDescribe() == 3)
        #expect(fleet.nextToDescribe() == nil)
    }

    @Test func `a shared worker outlives a plugin that goes for as long as its other sessions run`() throws {
        let (worker, first) = try harness.serve(1, .shared)
        let (same, second) = try harness.serve(2, .shared)
        #expect(same === worker)
        fleet.retire(1)
        fleet.retireUnused { _, _ in true }
        #expect(!worker.mustQuit)
        #expect(try fleet.prepare(FleetHarness.load(2, .shared)) == .loading)
        #expect(harness.launcher.workers.count == 2)
        worker.end(first[0].0, slot: first[0].1.slot)
        fleet.retireUnused { _, _ in true }
        #expect(!worker.mustQuit)
        worker.end(second[0].0, slot: second[0].1.slot)
        fleet.retireUnused { _, _ in true }
        #expect(worker.mustQuit)
    }

    @Test func `a load that crashes has the time of its report, one that hangs has not`() throws {
        try fleet.prepare(FleetHarness.load(1))
        try fleet.prepare(FleetHarness.load(2))
        let (hung, crashed) = (harness.launcher.workers[0], harness.launcher.workers[1])
        crashed.crash = CrashPage.Contents(signal: 11)
        harness.wait(63)
        #expect(hung.signals == [Signals.abort, Signals.kill])
        #expect(crashed.signals.isEmpty)
        crashed.report(.died(.signaled(11)))
        #expect(harness.deaths().map(\.failedLoad?.reason.end) == [.timeout, .crash])
    }

    @Test func `a channel that closes with a fatal signal on the page is a crash, which has the time of its report`()
        throws
    {
        let (crashed, _) = try harness.serve(1)
        let (gone, _) = try harness.serve(2)
        crashed.crash = CrashPage.Contents(signal: 11)
        crashed.report(.left)
        gone.report(.left)
        harness.wait(9)
        #expect(crashed.signals.isEmpty && gone.signals == [Signals.kill])
        harness.wait(2)
        #expect(crashed.signals == [Signals.kill])
        let ends = harness.deaths().flatMap(\.verdict.sessions).map(\.reason)
        #expect(ends.map(\.end) == [.exit, .crash])
        #expect(ends.last?.signal == "SIGSEGV")
        #expect(fleet.isEmpty)
    }

    @Test func `a worker that says nothing of a session's end is ended, and its other sessions with it`() throws {
        let (worker, seats) = try harness.serve(1, sessions: 2)
        worker.ledger[seats[0].1.slot]?.state = .ended
        worker.ledger[seats[0].1.slot]?.end = .endedByRoutine
        #expect(fleet.end(seats[0].1, .mute))
        #expect(worker.signals == [Signals.kill])
        #expect(harness.deaths().flatMap(\.verdict.sessions).map(\.reason.end) == [.endedByRoutine, .peerFailed])
        #expect(!fleet.end(seats[0].1, .mute), "it is gone")
    }

    @Test func `no more than four are described at a time, and one that takes long gives its place up`() {
        for plugin in 0..<10 { fleet.enqueue(plugin) }
        #expect((0..<5).map { _ in fleet.nextToDescribe() } == [0, 1, 2, 3, nil])
        fleet.leaveQueue(2)
        #expect(fleet.nextToDescribe() == 4)
        #expect(fleet.nextToDescribe() == nil)
        harness.wait(1)
        #expect((0..<5).map { _ in fleet.nextToDescribe() } == [5, 6, 7, 8, nil])
    }

    @Test func `a plugin whose files are being given to its user waits, which is said once, and others do not`() {
        func describe() { fleet.describeWaiting { FleetHarness.load($0, isForRunning: false) } }
        fleet.enqueue(1)
        harness.launcher.fault = SystemError("sandbox_users", "its files", number: SystemError.underWay)
        for round in 0..<3 {
            describe()
            let events = fleet.take()
            #expect(events.count == (round == 0 ? 1 : 0), "\(events)")
            if round == 0 {
                if case .said(.plugin(1), .info, let text) = events.first {
                    #expect(text.contains("yet: ") && text.contains("its files"))
                } else {
                    Issue.record("\(events)")
                }
            }
            #expect(fleet.nextToDescribe() == nil)
            harness.wait(1)
        }
        describe()
        harness.launcher.fault = nil
        fleet.enqueue(2)
        describe()
        #expect(harness.launcher.workers.count == 1)
        #expect(fleet.holds(2) && !fleet.holds(1))
        harness.wait(1)
        describe()
        #expect(fleet.holds(1))
    }

    @Test func `a plugin that was only to be described cannot say that it is loaded, nor the other way round`() throws {
        try fleet.prepare(FleetHarness.load(1, isForRunning: false))
        try fleet.prepare(FleetHarness.load(2))
        harness.launcher.workers[0].report(.event(.loaded(plugin: 1)))
        harness.launcher.workers[1].report(.event(.described(plugin: 2, .named("p"))))
        let events = fleet.take()
        #expect(events.count == 2)
        for event in events {
            guard case .said(_, .warning, _) = event else {
                Issue.record("\(event)")
                continue
            }
        }
        for worker in harness.launcher.workers { worker.answerLoads() }
        #expect(fleet.take() == [.described(plugin: 1, .named("p")), .loaded(plugin: 2, .plugin(2))])
    }
}

import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

/// A worker's life told as stories, in virtual time.
@Suite struct WorkerLifecycleTests {
    static let second: Int64 = 1_000_000_000

    /// A life with its clock: it goes from deadline to deadline.
    struct Driver {
        var life = WorkerLifecycle()
        var now: MonotonicTime = 0
        var verdict: Verdict?

        @discardableResult
        mutating func tell(_ event: WorkerLifecycle.Event) -> [WorkerLifecycle.Action] {
            let actions = life.handle(event, at: now)
            for case .verdict(let verdict) in actions { self.verdict = verdict }
            return actions
        }

        /// Waits for the next deadline; nil when there is none.
        mutating func wait() -> [WorkerLifecycle.Action]? {
            guard let next = life.nextDeadline else { return nil }
            now = next
            return tell(.deadline)
        }

        mutating func die(_ end: WorkerEnd, _ remains: Remains = Remains(), report: Report? = Report()) {
            #expect(tell(.exited(end, remains)) == [.examine])
            if let report { tell(.report(report)) }
        }
    }

    static let kill = WorkerEnd.signalled(9, name: "SIGKILL")
    static let segv = WorkerEnd.signalled(11, name: "SIGSEGV")
    static let first = SessionID(rawValue: 1)
    static let other = SessionID(rawValue: 2)

    /// A worker with two sessions, in slots 0 and 1.
    static func serving() -> Driver {
        var driver = Driver()
        driver.tell(.load(plugin: 4, limit: second))
        driver.tell(.answer(plugin: 4))
        driver.tell(.session(slot: 0, first))
        driver.tell(.session(slot: 1, other))
        return driver
    }

    static func remains(busy: Set<Int>, thread: Int32 = 0) -> Remains {
        var remains = Remains()
        for slot in 0...1 {
            remains.snapshots[slot] = LedgerSnapshot(
                session: UInt64(slot) + 1, state: busy.contains(slot) ? .running : .waiting, cycle: 7,
                thread: Int32(slot) + 100)
        }
        remains.thread = thread
        return remains
    }

    @Test func `a worker that is told to end and does leaves no line`() throws {
        var driver = Self.serving()
        #expect(driver.tell(.end) == [.quit])
        driver.tell(.sessionOver(slot: 0, Self.first))
        driver.tell(.sessionOver(slot: 1, Self.other))
        driver.tell(.goodbye)
        driver.die(.exited(0))
        let verdict = try #require(driver.verdict)
        #expect(verdict.sessions.isEmpty && verdict.line(pid: 5) == nil)
    }

    @Test func `a worker that says goodbye and stays is ended`() throws {
        var driver = Self.serving()
        driver.tell(.end)
        driver.tell(.goodbye)
        driver.tell(.channelClosed)
        #expect(driver.wait() == [.terminate])
        #expect(driver.now == .ns(10 * Self.second))
        #expect(driver.wait() == [.kill])
        driver.die(Self.kill)
        #expect(driver.verdict?.manner == .late)
        #expect(driver.verdict?.line(pid: 5)?.isError == false)
    }

    @Test func `a worker that crashes on its way out was told to end, also when its channel closes first`() throws {
        var driver = Self.serving()
        driver.tell(.end)
        driver.tell(.channelClosed)
        driver.die(.signalled(11, name: "SIGSEGV"))
        #expect(driver.verdict?.manner == .failed(wasTold: true))
        #expect(driver.verdict?.line(pid: 5)?.text.contains("did not end in order") == true)
        var stays = Self.serving()
        stays.tell(.end)
        stays.tell(.channelClosed)
        #expect(stays.wait() == [.terminate] && stays.now == .ns(WorkerEnding.silenceTime))
    }

    @Test func `a goodbye that nobody asked for is no goodbye`() throws {
        var driver = Self.serving()
        #expect(driver.tell(.goodbye) == [.sayGarbage])
        #expect(driver.tell(.goodbye) == [])
        driver.die(.exited(0))
        let verdict = try #require(driver.verdict)
        #expect(verdict.line(pid: 5)?.isError == true)
        #expect(verdict.sessions.map(\.reason.end) == [.exit, .exit])
    }

    @Test func `who was in the plugin's code is the culprit, the others are its peers`() throws {
        var driver = Self.serving()
        driver.die(Self.segv, Self.remains(busy: [1]), report: Report(frame: "f (a.c:1)", file: "r.json"))
        let verdict = try #require(driver.verdict)
        #expect(verdict.sessions.map(\.reason.end) == [.peerFailed, .crash])
        #expect(verdict.sessions.map(\.isCulprit) == [false, true])
        #expect(verdict.sessions[1].reason.signal == "SIGSEGV")
        #expect(verdict.sessions[1].reason.frame == "f (a.c:1)")
        #expect(verdict.sessions[1].reason.cycle == 7 && verdict.sessions[1].reason.phase == "routine")
        #expect(verdict.report == "r.json")
    }

    @Test func `of two that were busy the one on the thread is the culprit`() throws {
        var driver = Self.serving()
        driver.die(Self.segv, Self.remains(busy: [0, 1], thread: 100))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.crash, .peerFailed])
    }

    @Test func `a death of which nobody knows where it was is everybody's`() throws {
        var driver = Self.serving()
        driver.die(Self.segv, Self.remains(busy: []))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.crash, .crash])
    }

    @Test func `a hang is ended in the thread, then by the kill, and its peer is no culprit`() throws {
        var driver = Self.serving()
        #expect(driver.tell(.hang(slot: 0, thread: 33)) == [.abort(thread: 33)])
        #expect(driver.wait() == [.kill])
        #expect(driver.now == .ns(2 * Self.second))
        driver.die(Self.kill, Self.remains(busy: [0, 1]))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.timeout, .peerFailed])
    }

    @Test func `a hang while the host stops is told as one`() throws {
        var driver = Self.serving()
        driver.tell(.end)
        #expect(driver.tell(.hang(slot: 1, thread: 33)) == [.abort(thread: 33)])
        driver.die(.signalled(6, name: "SIGABRT"), Self.remains(busy: [1]))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.peerFailed, .timeout])
        var late = Self.serving()
        late.tell(.hang(slot: 0, thread: 33))
        #expect(late.tell(.end) == [])
        #expect(late.wait() == [.kill])
    }

    @Test func `a worker that stands still between callbacks is killed, and its record says that it did`() throws {
        var driver = Self.serving()
        #expect(driver.tell(.hang(slot: 1, thread: 0)) == [.kill])
        driver.die(Self.kill, Self.remains(busy: []))
        let verdict = try #require(driver.verdict)
        #expect(verdict.sessions.map(\.reason.end) == [.peerFailed, .timeout])
        #expect(verdict.sessions[1].reason.text.contains("stood still") && verdict.sessions[1].reason.phase == nil)
        #expect(verdict.line(pid: 5)?.isError == true)
    }

    @Test func `a worker that does not say that a session is over is killed, and the ledger says how it ended`() throws
    {
        var driver = Self.serving()
        #expect(driver.tell(.mute(slot: 3)) == [])
        #expect(driver.tell(.mute(slot: 1)) == [.kill])
        var remains = Self.remains(busy: [0])
        remains.snapshots[1]?.state = .ended
        remains.snapshots[1]?.end = .maxCycles
        driver.die(Self.kill, remains)
        let verdict = try #require(driver.verdict)
        #expect(verdict.sessions.map(\.reason.end) == [.peerFailed, .maxCycles])
        #expect(verdict.manner == .mute(slot: 1))
        // What the ledger says no more when the worker is dead was never so.
        var lies = Self.serving()
        lies.tell(.mute(slot: 1))
        lies.die(Self.kill, Self.remains(busy: [0]))
        #expect(lies.verdict?.sessions.map(\.reason.end) == [.peerFailed, .exit])
        // One that is told to end has its time for that.
        var ends = Self.serving()
        ends.tell(.end)
        #expect(ends.tell(.mute(slot: 1)) == [])
    }

    @Test func `a session that does not stop takes its worker with it, and is told as asked to end`() throws {
        var driver = Self.serving()
        #expect(driver.tell(.overdue(slot: 1)) == [.terminate])
        driver.die(.signalled(15, name: "SIGTERM"), Self.remains(busy: [1]))
        let verdict = try #require(driver.verdict)
        #expect(verdict.sessions.map(\.isLate) == [false, true])
        #expect(verdict.sessions.map(\.reason.end) == [.peerFailed, .stopped])
    }

    @Test func `a load that takes too long, or in which the worker dies, has failed; those behind it have not`() throws
    {
        var hung = Driver()
        hung.tell(.load(plugin: 1, limit: 3 * Self.second))
        hung.tell(.load(plugin: 2, limit: Self.second))
        #expect(hung.wait() == [.abort(thread: 0)])
        #expect(hung.now == .ns(3 * Self.second))
        hung.die(.signalled(6, name: "SIGABRT"))
        #expect(hung.verdict?.failedLoad?.plugin == 1)
        #expect(hung.verdict?.failedLoad?.reason.end == .timeout)
        #expect(hung.verdict?.interruptedLoads == [2])
        var dead = Driver()
        dead.tell(.load(plugin: 1, limit: Self.second))
        dead.tell(.load(plugin: 2, limit: Self.second))
        dead.now = .ns(Self.second / 2)
        dead.tell(.answer(plugin: 1))
        #expect(dead.life.nextDeadline == .ns(Self.second / 2 + Self.second))
        dead.die(Self.kill)
        #expect(dead.verdict?.failedLoad?.plugin == 2)
        #expect(dead.verdict?.failedLoad?.wasKilledFromOutside == true)
        var told = Driver()
        told.tell(.load(plugin: 1, limit: Self.second))
        told.tell(.end)
        told.die(.exited(0))
        #expect(told.verdict?.failedLoad == nil)
        #expect(told.verdict?.interruptedLoads == [1])
    }

    @Test func `who closes the channel and goes on has left`() throws {
        var driver = Self.serving()
        driver.tell(.channelClosed)
        #expect(driver.wait() == [.kill])
        driver.die(Self.kill, Self.remains(busy: [0]))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.exit, .peerFailed])
        #expect(driver.verdict?.sessions[0].reason.text.hasPrefix("it left the host") == true)
        var exits = Self.serving()
        exits.tell(.channelClosed)
        exits.die(.exited(3), Self.remains(busy: [0]))
        #expect(exits.verdict?.sessions[0].reason.text == "exit status 3")
    }

    @Test func `a crash report that does not end is cut off after 10 s`() throws {
        var driver = Self.serving()
        driver.tell(.fatalSignal)
        #expect(driver.wait() == [.kill])
        #expect(driver.now == .ns(10 * Self.second))
        var remains = Self.remains(busy: [])
        remains.signal = 11
        remains.signalName = "SIGSEGV"
        driver.die(Self.kill, remains)
        #expect(driver.verdict?.sessions.map(\.reason.signal) == ["SIGSEGV", "SIGSEGV"])
    }

    @Test func `a death whose report never comes has its verdict after 10 s`() throws {
        var driver = Self.serving()
        driver.die(Self.segv, Self.remains(busy: [0]), report: nil)
        #expect(driver.verdict == nil)
        _ = driver.wait()
        #expect(driver.now == .ns(10 * Self.second))
        #expect(driver.verdict?.sessions.map(\.reason.end) == [.crash, .peerFailed])
        #expect(driver.wait() == nil)
    }

    @Test func `a worker that cannot be reaped is given up, and its sessions have their records`() throws {
        var driver = Self.serving()
        driver.tell(.end)
        while let actions = driver.wait(), actions != [.giveUp] {}
        #expect(driver.now == .ns(17 * Self.second))
        driver.die(.unreaped, Self.remains(busy: [0]))
        #expect(driver.verdict?.sessions.map(\.isLate) == [true, true])
        var stuck = Self.serving()
        #expect(stuck.tell(.stuck) == [.kill])
        #expect(stuck.wait() == [.giveUp])
        stuck.die(.unreaped)
        #expect(stuck.verdict?.sessions.map(\.reason.end) == [.crash, .crash])
    }

    @Test(arguments: 0...12) func `told to end at once, every worker is dead within bounded time`(state: Int) {
        let column = WorkerLifecycleTableTests.states[state]
        for event in [WorkerLifecycle.Event.end, .endNow] {
            var driver = Driver()
            for event in column.events { driver.tell(event) }
            driver.tell(event)
            var isGivenUp = false
            while !isGivenUp, let actions = driver.wait() { isGivenUp = actions == [.giveUp] }
            #expect(isGivenUp || driver.verdict != nil, "\(column.name)")
            #expect(driver.now <= .ns(17 * Self.second), "\(column.name)")
        }
    }

    @Test(arguments: [Int64(10_000_000_000), 0, -5, .max]) func `a stop gives the grace, then two seconds`(
        grace: Int64
    ) {
        var life = WorkerLifecycle(grace: grace)
        #expect(life.handle(.end, at: 100) == [.quit])
        let terminateAt: MonotonicTime = 100 + max(grace, 0)
        #expect(life.nextDeadline == terminateAt)
        #expect(life.handle(.deadline, at: terminateAt - 1) == [])
        #expect(life.handle(.deadline, at: terminateAt) == [.terminate])
        let killAt = terminateAt + 2 * Self.second
        #expect(life.nextDeadline == killAt)
        if killAt > terminateAt { #expect(life.handle(.deadline, at: killAt - 1) == []) }
        #expect(life.handle(.deadline, at: killAt) == [.kill])
    }

    @Test(arguments: [Int32(0), -1, .min]) func `a hang in a thread that is not known is killed at once`(thread: Int32)
    {
        var driver = Self.serving()
        #expect(driver.tell(.hang(slot: 0, thread: thread)) == [.kill])
        var gone = Self.serving()
        gone.tell(.hang(slot: 0, thread: 7))
        #expect(gone.tell(.noThread) == [.kill])
    }
}

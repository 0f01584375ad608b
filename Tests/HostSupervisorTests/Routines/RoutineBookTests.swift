import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Tallies in memory.
final class MemoryTallies: TallyFile {
    var tallies: [String: RoutineTally] = [:]
    private(set) var saves = 0
    var fault: SystemError?

    func load() -> (tallies: [String: RoutineTally], warning: String?) { (tallies, nil) }
    func save(_ tallies: [String: RoutineTally]) throws(SystemError) {
        if let fault { throw fault }
        self.tallies = tallies
        saves += 1
    }
}

/// Ledgers in memory, by worker and slot.
final class MemoryLedgers: LedgerSource {
    var snapshots: [Int: LedgerSnapshot] = [:]

    func snapshot(_ seat: Seat) -> LedgerSnapshot? { snapshots[seat.slot] }
    func slotBytes(_ seat: Seat) -> LedgerBytes? { nil }
}

/// A book whose actions a test performs.
final class BookHarness {
    let clock = TestClock()
    let deadlines = Deadlines()
    let log = MemoryLog()
    let ledgers = MemoryLedgers()
    let tallies = MemoryTallies()
    let book: RoutineBook
    /// Seats of the sessions that run, by routine.
    private(set) var seats: [Int: Seat] = [:]
    private(set) var sessions: [Int: SessionID] = [:]
    private(set) var records: [SessionRecord] = []
    private(set) var sent: [WorkerCommand] = []
    private(set) var endedWorkers: [Seat] = []
    private(set) var dropped: [String] = []
    /// Whether sessions begin when they are to.
    var hasWorkers = true
    private var nextSlot = 0

    init() {
        book = RoutineBook(
            host: RoutineBook.Host(name: "machine", boot: "boot", grace: 10_000_000_000), ledgers: ledgers,
            tallies: tallies, clock: clock, deadlines: deadlines, log: log)
    }

    static func program(
        _ number: Int, _ name: String = "p", routines: Int = 1, content: String = "c", maxCycles: UInt64 = 0
    ) -> Program {
        let description = PluginDescription.named(name, routines: routines)
        let layer = ConfigurationLayer(commandLine: [.maxCycles: .integer(maxCycles)])
        return Program(
            number: number, name: name, version: "1", build: "b", isolation: .plugin, sharedLimits: WorkerLimits(),
            load: FleetHarness.load(number),
            routines: description.routines.map {
                Program.Routine(
                    name: $0.name, settings: EffectiveSettings(of: $0, in: description, commandLine: layer),
                    content: content)
            })
    }

    /// Does what the book wants, as a host does that has workers.
    func perform() {
        for action in book.take() {
            switch action {
            case .start(let start):
                guard hasWorkers, book.isWaiting(start.routine) else { continue }
                let id = book.nextSession()
                let seat = Seat(worker: WorkerID(number: start.load.plugin), slot: nextSlot, pid: 9, ledger: "l")
                nextSlot += 1
                guard book.begin(start.routine, id, in: seat) != nil else { continue }
                seats[start.routine] = seat
                sessions[start.routine] = id
                book.began(start.routine, .init())
            case .send(let command, _): sent.append(command)
            case .endOverdue(let seat, _, _), .endHung(let seat, _, _, _): endedWorkers.append(seat)
            case .record(let record, _, _): records.append(record)
            case .dropReport(let name): dropped.append(name)
            case .say(let level, let identifier, let text): book.log.write(level, identifier, text)
            case .release, .quarantined: break
            }
        }
        if !book.actions.isEmpty { perform() }
    }

    func end(
        _ routine: Int, _ kind: SessionEnd, cycles: UInt64 = 1,
        _ disposition: WorkerEvent.Ended.Disposition = .policy
    ) {
        guard let id = sessions[routine], let seat = seats[routine] else { return }
        var ended = WorkerEvent.Ended.over(id, slot: seat.slot, kind, cycles: cycles)
        ended.disposition = disposition
        book.ended(ended, nil, wasTold: false)
    }

    func wait(_ seconds: Int64) { deadlines.run(clock, for: seconds * 1_000_000_000) }

    /// A person's order.
    func order(_ action: ControlRequest.Action, _ identifiers: String...) -> [ControlResponse.Outcome] {
        guard
            case .outcomes(let outcomes) = RoutineOrders(book: book).perform(
                ControlRequest(action, identifiers: identifiers))
        else {
            return []
        }
        return outcomes
    }
}

/// Routines and their sessions in virtual time, without a worker.
@Suite struct RoutineBookTests {
    let harness = BookHarness()
    var book: RoutineBook { harness.book }

    @Test func `the status of one routine is as in the status of all, with who shares its worker`() throws {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, routines: 3))
        harness.perform()
        let all = harness.book.status { _ in 7 }
        for routine in all {
            let one = try #require(harness.book.status(of: routine.plugin, routine.routine) { _ in 7 })
            #expect(one.routine == routine && one.sharing == 3)
        }
        #expect(harness.book.status(of: "p", "absent") { _ in 7 } == nil)
    }

    /// A host may have 100 000 of them.
    @Test func `a routine takes 192 bytes at most, and knows its number, part and end`() throws {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1, routines: 8))
        let entries = harness.book.routines.values.map { $0 }
        let entry = try #require(entries.first)
        #expect(heapSize(of: entries) <= 192)
        let part = RoutineEntry(
            key: 5, owner: entry.owner, index: 7, shard: RoutineShard(2, of: 3), policy: entry.policy,
            settings: entry.settings, untilMs: 9)
        #expect(part.index == 7 && part.shard == RoutineShard(2, of: 3) && part.untilMs == 9)
        #expect(entry.shard == nil && entry.session == nil)
        let seat = Seat(worker: WorkerID(number: 4), slot: 131_071, pid: 9, ledger: "l")
        let lease = LeaseGate.Grant(token: 11, end: 12)
        var session = RoutineEntry.Session(
            id: SessionID(rawValue: 1), startMs: 2, startBoot: 3, seat: seat, lease: lease)
        let before = session
        session.end(as: .reloaded, "its file changed")
        #expect(session.endAs == .reloaded && session.endText == "its file changed" && session.lease == lease)
        #expect(before.endAs == nil && before.endText.isEmpty && before.seat.slot == 131_071)
    }

    @Test func `a record has the times of its cycles, and none is greater than the longest`() throws {
        let harness = BookHarness()
        harness.book.add(BookHarness.program(1))
        harness.perform()
        let id = try #require(harness.sessions.values.first), seat = try #require(harness.seats.values.first)
        var counts = LedgerCounts(.unused)
        #expect(counts.cycleTimes == nil, "no cycle has ended")
        var buckets = [UInt64](repeating: 0, count: LedgerHistogram.count)
        buckets[LedgerHistogram.bucket(5000)] = 100
        counts.durations = LatencyHistogram(buckets)
        counts.longest = 5000
        harness.book.ended(.over(id, slot: seat.slot, .maxCycles, cycles: 100), counts, wasTold: false)
        harness.perform()
        let times = try #require(harness.records.first?.cycleTimes)
        #expect(times.longest == 5000 && times.p99 == 5000 && (4096...5000).contains(times.p50))
        #expect(times.lateP50 == 0 && times.lateP99 == 0)
    }

    @Test func `10 000 routines that end at once have a record each, and their worker is let go once`() {
        book.add(BookHarness.program(1, routines: 10_000))
        harness.perform()
        #expect(harness.sessions.count == 10_000)
        for routine in harness.sessions.keys.sorted() { harness.end(routine, .endedByRoutine) }
        harness.perform()
        #expect(harness.records.count == 10_000)
        #expect(Set(harness.records.map(\.session)).count == 10_000)
        #expect(book.isIdle && book.openSessions.isEmpty)
        #expect(!book.wants(.plugin(1), [1]))
        harness.wait(10)
        #expect(harness.tallies.saves <= 1)
    }

    @Test func `orders for routines that just went are refused, and do nothing`() {
        book.add(BookHarness.program(1))
        harness.perform()
        book.retire(1, as: .removed, "its file is gone")
        harness.perform()
        let sent = harness.sent.count
        for action in [ControlRequest.Action.runNow, .pause, .resume, .restart, .stop] {
            #expect(harness.order(action, "p/r0").isEmpty)
        }
        #expect(harness.sent.count == sent && book.actions.isEmpty)
        harness.end(0, .stopped)
        harness.perform()
        #expect(harness.records.map(\.reason.end) == [.removed])
        #expect(!book.hasSessions(1))
        book.forget([1])
        // What comes late of a session that is over, or of a routine that is gone, is nobody's.
        harness.end(0, .error)
        #expect(!book.isWaiting(0))
        book.couldNotBegin(0, "late")
        book.began(0, .init())
        book.goOn(1, in: .plugin(1))
        #expect(book.actions.isEmpty)
    }

    @Test(arguments: SessionEnd.allCases) func `an end that a worker cannot know is an error, and counted as one`(
        end: SessionEnd
    ) {
        book.add(BookHarness.program(1))
        harness.perform()
        harness.end(0, end)
        harness.perform()
        let isPossible = end == .endedByRoutine || end == .error
        #expect(harness.records.map(\.reason.end) == [isPossible ? end : .error])
        #expect(harness.records.first?.reason.text.contains("not its to report") == !isPossible)
        #expect(harness.sessions.count == 1 && book.running.isEmpty, "no session at once")
    }

    @Test func `a file that is replaced without pause begins ten sessions, and then two a second`() {
        var begun: Set<SessionID> = []
        for number in 1...600 {
            book.add(BookHarness.program(number, content: "\(number)"))
            harness.perform()
            let routine = book.routines.values.first { _ in true }?.key ?? -1
            if let session = harness.sessions[routine], begun.insert(session).inserted {
                book.retire(number, as: .reloaded, "its file has changed")
                harness.perform()
                harness.end(routine, .reloaded)
                harness.perform()
            } else {
                book.retire(number, as: .reloaded, "its file has changed")
            }
            book.forget([number])
            harness.deadlines.run(harness.clock, for: 100_000_000)
        }
        #expect((125...132).contains(begun.count), "in a minute \(begun.count)")
        #expect(harness.records.count == begun.count)
    }

    @Test func `a start that a person stops before it begins does not begin`() {
        harness.hasWorkers = false
        book.add(BookHarness.program(1))
        harness.perform()
        #expect(harness.order(.stop, "p/r0").first?.isDone == true)
        harness.hasWorkers = true
        book.goOn(1, in: .plugin(1))
        harness.perform()
        #expect(harness.sessions.isEmpty && book.isIdle)
        #expect(!book.wants(.plugin(1), [1]))
    }

    @Test func `a session that does not stop in its grace ends its worker, and is recorded for what it was asked`() {
        book.add(BookHarness.program(1))
        harness.perform()
        book.retire(1, as: .reloaded, "its file has changed")
        harness.perform()
        #expect(harness.sent.last == .stop(slot: 0))
        harness.wait(9)
        harness.perform()
        #expect(harness.endedWorkers.isEmpty)
        harness.wait(2)
        harness.perform()
        #expect(harness.endedWorkers.count == 1)
    }

    @Test func `whoever asks a session to end once more gives it no more time`() {
        book.add(BookHarness.program(1))
        harness.perform()
        for _ in 0..<4 {
            _ = harness.order(.stop, "p/r0")
            harness.wait(3)
            harness.perform()
        }
        #expect(harness.endedWorkers.count == 1, "10 s after the first")
    }

    @Test func `a replaced file's routine goes on paused, and its sessions never overlap`() {
        book.add(BookHarness.program(1))
        harness.perform()
        #expect(harness.order(.pause, "p/r0").first?.isDone == true)
        book.retire(1, as: .reloaded, "")
        harness.perform()
        harness.end(0, .stopped)
        harness.perform()
        book.forget([1])
        book.add(BookHarness.program(2, content: "new"))
        harness.perform()
        #expect(harness.sessions.count == 2)
        let paused = harness.sent.compactMap { if case .start(let start) = $0 { start.isPaused } else { nil } }
        #expect(paused == [false, true])
    }

    @Test func `after a death the culprit has the report, and its neighbour's record says that it was not its own`() {
        book.add(BookHarness.program(1, routines: 2))
        harness.perform()
        let (first, second) = (harness.sessions[0] ?? SessionID(rawValue: 0), harness.sessions[1])
        var life = WorkerLifecycle()
        for (slot, id) in [first, second ?? first].enumerated() { _ = life.handle(.session(slot: slot, id), at: 0) }
        var remains = Remains()
        remains.snapshots[1] = LedgerSnapshot(session: 0, state: .running, cycle: 4)
        _ = life.handle(.exited(.signalled(11, name: "SIGSEGV"), remains), at: 0)
        let actions = life.handle(.report(Report(frame: "f", file: "raw.json")), at: 0)
        guard case .verdict(let verdict)? = actions.first else {
            Issue.record("no verdict")
            return
        }
        book.died(Obituary(key: .plugin(1), pid: 9, startedAt: 0, ledger: "l", verdict: verdict))
        let reports = book.actions.compactMap {
            if case .record(let record, let report, _) = $0 { (record, report) } else { nil }
        }
        #expect(reports.map(\.0.reason.end) == [.peerFailed, .crash])
        #expect(reports.map(\.1) == [nil, "raw.json"])
        #expect(reports.map { $0.0.report != nil } == [false, true])
        #expect(reports[1].0.cycles == 4)
        harness.perform()
        #expect(harness.dropped.isEmpty)
    }

    @Test func `a host that stops begins nothing any more`() {
        book.add(BookHarness.program(1, routines: 3))
        harness.perform()
        book.stop()
        for routine in 0..<3 { harness.end(routine, .error) }
        harness.perform()
        harness.wait(1000)
        harness.perform()
        #expect(harness.records.count == 3 && harness.sessions.count == 3)
        #expect(RoutineOrders(book: book).perform(ControlRequest(.restart)) == .failed("the host is stopping"))
    }

    @Test func `an order that cannot be kept for the next host says so, and is kept when that can be`() {
        book.add(BookHarness.program(1))
        harness.perform()
        harness.wait(2)
        harness.tallies.fault = SystemError("write", "tally.json", number: 28)
        let outcome = harness.order(.stop, "p/r0").first
        #expect(outcome?.isDone == false)
        #expect(
            outcome?.text.hasPrefix("its session ends, and it stays stopped; but the next host will not know") == true)
        harness.wait(60)
        #expect(harness.log.take(.error).count == 1, "said once, and not at each try")
        harness.tallies.fault = nil
        harness.wait(6)
        #expect(harness.tallies.tallies.count == 1)
    }

    @Test func `what is stopped is on the disk a moment later, and still holds in the next host`() {
        book.add(BookHarness.program(1))
        harness.perform()
        _ = harness.order(.stop, "p/r0")
        harness.perform()
        harness.end(0, .stopped)
        harness.perform()
        harness.wait(2)
        let next = BookHarness()
        next.tallies.tallies = harness.tallies.tallies
        let book = RoutineBook(
            host: RoutineBook.Host(name: "m", boot: "b", grace: 0), ledgers: next.ledgers, tallies: next.tallies,
            clock: next.clock, deadlines: next.deadlines, log: next.log)
        book.add(BookHarness.program(1))
        #expect(!book.actions.contains { if case .start = $0 { true } else { false } })
    }
}

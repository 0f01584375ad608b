import HostCluster
import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Routines that run on one host only, in a book: when their sessions begin and how they end.
@Suite struct LeasedRoutinesTests {
    let harness = BookHarness()
    var book: RoutineBook { harness.book }
    var leased: LeasedRoutines { LeasedRoutines(book: harness.book) }
    static let claim = ClaimName(plugin: "p", routine: "r0")
    private static let wanted = LeasedRoutines.Wish.wanted(ClaimWish())

    private static func program(_ runOn: String = "{ run_on: 'one' }", number: Int = 1) throws -> Program {
        let description = PluginDescription.named("p", routines: 1)
        let layers = PluginLayers(block: nil, file: try PluginConfiguration(parsing: Array(runOn.utf8), file: "F"))
        var program = BookHarness.program(number)
        let settings = EffectiveSettings(of: description.routines[0], in: description, layers)
        program.routines[0] = Program.Routine(name: "r0", settings: settings, content: program.routines[0].content)
        return program
    }

    private func extend() {
        leased.extend(to: LeaseTimes(start: harness.clock.boot(), length: 10_000_000_000))
        harness.perform()
    }

    private func hold(token: UInt64) {
        leased.hold(Self.claim, token: token)
        harness.perform()
    }

    private func end(_ ending: ClaimMachine.Ending) {
        leased.end(Self.claim, ending, "why")
        harness.perform()
    }

    private var tokens: [UInt64?] {
        harness.sent.compactMap { if case .start(let start) = $0 { .some(start.leaseToken) } else { nil } }
    }

    @Test func aSessionWaitsForItsLease() throws {
        book.add(try Self.program())
        harness.perform()
        #expect(leased.takeWishes() == [Self.claim: Self.wanted] && leased.takeWishes().isEmpty)
        #expect(harness.sessions.isEmpty && !book.isIdle)
        hold(token: 7)
        #expect(harness.sessions.isEmpty, "no lease is valid yet")
        extend()
        #expect(harness.sessions.count == 1 && tokens == [7])
    }

    @Test func othersDoNot() throws {
        book.add(try Self.program("{}"))
        harness.perform()
        #expect(leased.takeWishes().isEmpty && harness.sessions.count == 1 && tokens == [nil])
    }

    @Test func aLostLeaseEndsTheSessionAndTheNextOneBringsAnother() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        end(.lost(.recordGone))
        #expect(harness.sent.last == .stop(slot: 0))
        #expect(leased.takeEnded().isEmpty, "it has not ended yet")
        harness.end(0, .stopped)
        harness.perform()
        #expect(harness.records.map(\.reason.end) == [.leaseLost])
        #expect(harness.records.first?.reason.text == "why")
        #expect(leased.takeEnded() == [Self.claim])
        #expect(leased.takeEnded().isEmpty)
        #expect(tokens == [7])
        hold(token: 8)
        #expect(tokens == [7, 8])
    }

    /// The session's worker is dead, by that manner.
    private func die(_ manner: WorkerEnd, undead: WorkerID) throws {
        var life = WorkerLifecycle()
        let session = try #require(harness.sessions[0])
        _ = life.handle(.session(slot: 0, session), at: 0)
        let actions = life.handle(.exited(manner, Remains()), at: 0) + life.handle(.report(Report()), at: 0)
        let verdict = try #require(actions.compactMap { if case .verdict(let one) = $0 { one } else { nil } }.first)
        var obituary = Obituary(key: .plugin(1), pid: 9, startedAt: 0, ledger: "l", verdict: verdict)
        obituary.undead = undead
        book.died(obituary)
        harness.perform()
    }

    @Test func aWorkerThatIsKilledAndNotGoneHoldsUpTheNextSessionOfItsClaimOnly() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        end(.lost(.silence(1)))
        let worker = WorkerID(number: 5)
        try die(.unreaped, undead: worker)
        #expect(harness.records.count == 1 && leased.takeEnded().isEmpty, "it has its record, and may still write")
        leased.gone(WorkerID(number: 6))
        #expect(leased.takeEnded().isEmpty, "that is another one")
        leased.gone(worker)
        #expect(leased.takeEnded() == [Self.claim])
    }

    @Test func aHeldClaimBeginsNoSessionBesideSuchAWorker() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        let worker = WorkerID(number: 5)
        try die(.unreaped, undead: worker)
        #expect(harness.log.take(.error).contains { $0.hasPrefix("process 9 may still do what it was doing") })
        harness.deadlines.run(harness.clock, for: 5_000_000_000)
        extend()
        harness.perform()
        #expect(tokens == [7], "its pause is over, and its worker is not gone")
        leased.gone(worker)
        harness.perform()
        #expect(tokens == [7, 7])
    }

    @Test(arguments: [
        (ClaimMachine.Departure.move, SessionEnd.handedOver), (.drain, .handedOver), (.rebalance, .handedOver),
    ])
    func whatIsHandedOverSaysSo(departure: ClaimMachine.Departure, kind: SessionEnd) throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        end(.handedOver(departure))
        harness.end(0, .stopped)
        harness.perform()
        #expect(harness.records.map(\.reason.end) == [kind])
    }

    @Test func aClaimWithoutASessionHasEndedAtOnce() throws {
        harness.hasWorkers = false
        book.add(try Self.program())
        extend()
        hold(token: 7)
        end(.lost(.silence(1)))
        #expect(leased.takeEnded() == [Self.claim])
        harness.hasWorkers = true
        book.goOn(1, in: .plugin(1))
        harness.perform()
        #expect(harness.sessions.isEmpty, "its worker is ready, and its lease is gone")
    }

    @Test func noSessionBeginsWhenTheStoreWasSilentForHalfOfALease() throws {
        book.add(try Self.program())
        extend()
        harness.clock.advance(seconds: 5)
        hold(token: 7)
        #expect(harness.sessions.isEmpty)
        extend()
        #expect(harness.sessions.count == 1)
    }

    @Test func whoIsStoppedOrQuarantinedWantsNoLease() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        _ = harness.order(.stop, "p/r0")
        #expect(leased.takeWishes() == [Self.claim: .unwanted(.rest)])
        _ = harness.order(.restart, "p/r0")
        #expect(leased.takeWishes() == [Self.claim: Self.wanted])
        book.retire(1, as: .reloaded, "edited")
        #expect(leased.takeWishes() == [Self.claim: Self.wanted], "its successor goes on with it")
        book.forget([1])
        #expect(leased.takeWishes() == [Self.claim: .absent])
    }

    @Test func aWorkerThatTheKernelKilledHasLostItsLease() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        let routine = try #require(book.routines[0])
        let session = try #require(routine.session)
        let killed = SessionRecord.Reason(.crash, text: "", signal: "SIGKILL")
        let now = harness.clock.boot()
        #expect(routine.judged(killed, of: session, book.leases.gate, end: nil, at: now).end == .crash)
        let late = now + 9_000_000_000
        #expect(routine.judged(killed, of: session, book.leases.gate, end: nil, at: late).end == .leaseLost)
        let fault = SessionRecord.Reason(.crash, text: "", signal: "SIGSEGV")
        #expect(routine.judged(fault, of: session, book.leases.gate, end: nil, at: late).end == .crash)
    }

    /// The kernel kills a worker that alone was stopped; the host renews its leases meanwhile.
    @Test func aWorkerThatAloneWasStoppedHasLostItsLeaseToo() throws {
        book.add(try Self.program())
        extend()
        hold(token: 7)
        let routine = try #require(book.routines[0])
        let session = try #require(routine.session)
        let end = try #require(session.lease?.end)
        harness.clock.advance(seconds: 9)
        extend()
        let now = harness.clock.boot()
        let killed = SessionRecord.Reason(.crash, text: "", signal: "SIGKILL")
        func judged(_ noted: BootTime?) -> SessionRecord.Reason {
            routine.judged(killed, of: session, book.leases.gate, end: noted, at: now)
        }
        #expect(judged(nil).end == .crash)
        #expect(judged(end).end == .leaseLost && judged(end).text.contains("stopped for too long"))
        #expect(judged(now + 1).end == .crash, "that time has not come")
        #expect(judged(session.startBoot).end == .crash, "a plugin has written that")
    }

    // MARK: Shards

    private static let parts = (0..<3).map { ClaimName(plugin: "p", routine: "r0", shard: $0) }

    @Test func eachPartHasASessionAWorkerAndALeaseOfItsOwn() throws {
        book.add(try Self.program("{ run_on: 'shards', shards: 3 }"))
        harness.perform()
        let wish = LeasedRoutines.Wish.wanted(ClaimWish(isSpread: true, moves: true))
        #expect(leased.takeWishes() == Dictionary(uniqueKeysWithValues: Self.parts.map { ($0, wish) }))
        let entries = book.routines.values.sorted { $0.key < $1.key }
        #expect(entries.map(\.identifier) == ["p/r0#0", "p/r0#1", "p/r0#2"])
        #expect(Set(entries.map(\.place)).count == 3 && entries[1].load.key == .shard(1, 0, shard: 1))
        extend()
        leased.hold(Self.parts[0], token: 5)
        leased.hold(Self.parts[2], token: 6)
        harness.perform()
        let starts = harness.sent.compactMap { if case .start(let start) = $0 { start } else { nil } }
        #expect(starts.map(\.shard) == [RoutineShard(0, of: 3), RoutineShard(2, of: 3)])
        #expect(starts.map(\.leaseToken) == [5, 6])
        #expect(book.wants(entries[0].place, [1]) && !book.wants(entries[1].place, [1]))
        leased.end(Self.parts[2], .handedOver(.rebalance), "why")
        harness.perform()
        harness.end(2, .stopped)
        harness.perform()
        #expect(harness.records.map(\.identifier) == ["p/r0#2"])
        #expect(harness.records.first?.shard == RoutineShard(2, of: 3) && harness.records.first?.leaseToken == 6)
        #expect(leased.takeEnded() == [Self.parts[2]])
        #expect(book.actions.contains(.release(entries[2].place)) && !book.wants(entries[2].place, [1]))
        #expect(entries[0].session != nil, "the others go on")
    }

    @Test func anOrderForARoutineIsForAllItsParts() throws {
        book.add(try Self.program("{ run_on: 'shards', shards: 3 }"))
        harness.perform()
        #expect(harness.order(.stop, "p/r0").map(\.id) == ["p/r0#0", "p/r0#1", "p/r0#2"])
        #expect(harness.order(.restart, "p/r0#1").count == 1)
        #expect(leased.takeWishes()[Self.parts[0]] == .unwanted(.rest))
    }
}

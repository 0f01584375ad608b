import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// A store that answers anything: nothing traps, nothing spins, and nothing lives on beyond its lease.
@Suite struct LyingStoreTests {
    private static let claim = ClaimName(plugin: "p", routine: "r")
    private static let second: Int64 = 1_000_000_000
    private static let own = HostID(high: 1, low: 1)

    private static func member() -> ClusterMember {
        ClusterMember(
            .init(id: own, name: "h", pid: 1, boot: "b", version: "1", seed: 3), length: 6 * second, weight: 100)
    }

    enum Lie: CaseIterable {
        case changed, refused, unknown, doneWithoutReads, doneAndEmpty, foreignEpoch
    }

    private static func answer(_ lie: Lie, at now: BootTime) -> StoreAnswer {
        let foreign = EpochRecord(instance: "other", number: 1, base: 1, leaseMs: 6000, settleMs: 6000)
        return switch lie {
        case .changed: StoreAnswer(sent: now, outcome: .changed, found: [])
        case .refused: StoreAnswer(sent: now, outcome: .refused("no"), found: [])
        case .unknown: StoreAnswer(sent: now, outcome: .unknown, found: [])
        case .doneWithoutReads: StoreAnswer(sent: now, outcome: .done(version: 1), found: nil)
        case .doneAndEmpty: StoreAnswer(sent: now, outcome: .done(version: 1), found: [])
        case .foreignEpoch:
            StoreAnswer(
                sent: now, outcome: .done(version: 1),
                found: [.init(key: ClusterKey.epoch, version: 5, value: foreign.bytes)])
        }
    }

    @Test(arguments: Lie.allCases) func whateverItAnswersNothingSpins(lie: Lie) {
        var member = Self.member()
        var now: BootTime = 1_000_000_000_000
        let end = now + 60 * Self.second
        var asked = 0
        var waiting: [ClusterMember.Event] = [
            .want(Self.claim, ClaimWish()), .up(StoreLink(instance: "i", most: 64)),
        ]
        while now < end, asked < 20_000 {
            while let event = waiting.popLast() {
                for action in member.handle(event, at: now, wall: 1) {
                    switch action {
                    case .ask(let id, _):
                        asked += 1
                        // At the cost of 50 us, and with a hint each time.
                        now += 50_000
                        waiting.insert(.answer(id, Self.answer(lie, at: now)), at: 0)
                        waiting.insert(.changed, at: 0)
                    case .end(let name, _): waiting.insert(.ended(name), at: 0)
                    case .reopen: waiting.insert(.up(StoreLink(instance: "i", most: 64)), at: 0)
                    case .extend, .begin, .kill, .lookFor, .refuse, .say, .closed: break
                    }
                }
                if asked >= 20_000 { break }
            }
            now = max(now + 1, member.nextDeadline)
            waiting.append(.deadline)
        }
        #expect(asked < 12_000, "\(asked) requests in a minute")
    }

    @Test(arguments: 0..<Rounds.optimised(80, plain: 8)) func nothingTrapsAndNothingOutlivesItsLease(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var member = Self.member()
        var now: BootTime = 1_000_000_000_000
        var lease = BootTime.longAgo
        var lives = false
        var lastID: UInt64 = 0
        _ = member.handle(.want(Self.claim, ClaimWish()), at: now, wall: 1)
        for _ in 0..<4000 {
            now += Int64(random.below(400_000_000))
            let event: ClusterMember.Event
            switch random.below(12) {
            case 0: event = .up(StoreLink(instance: "i\(random.below(2))", most: random.below(50)))
            case 1: event = .down
            case 2: event = .changed
            case 3: event = .process(Incarnation(rawValue: random.next()), isGone: random.below(2) == 0)
            case 4:
                event = .want(ClaimName(plugin: "p", routine: "q", shard: random.below(40)), ClaimWish(isSpread: true))
            case 5: event = .leave(Self.claim, .move, bar: Int64(random.below(9)) * Self.second)
            default: event = .answer(lastID, Self.answer(&random, at: now, member.incarnation))
            }
            var waiting = [ClusterMember.Event.deadline, event]
            while !waiting.isEmpty {
                let actions = member.handle(waiting.removeFirst(), at: now, wall: WallTime(milliseconds: 5))
                #expect(actions.count < 500)
                for action in actions {
                    switch action {
                    case .ask(let id, _): lastID = id
                    case .extend(let times): lease = times.kill
                    case .begin(Self.claim, _): lives = true
                    case .end(let name, _):
                        // Ours ends only when it is killed, or in half of the cases.
                        if name != Self.claim || random.below(2) == 0 { waiting.append(.ended(name)) }
                        if name == Self.claim, !waiting.isEmpty { lives = false }
                    case .kill(let name):
                        if name == Self.claim { lives = false }
                        waiting.append(.ended(name))
                    case .begin, .reopen, .lookFor, .refuse, .say, .closed: break
                    }
                }
            }
            // The timers of this test are up to 0.4 s late.
            if lives { #expect(now < lease + 400_000_000, "seed \(seed)") }
        }
    }

    private static func answer(_ random: inout SplitMix, at now: BootTime, _ incarnation: Incarnation) -> StoreAnswer {
        let outcomes: [StoreAnswer.Outcome] = [
            .done(version: random.next() >> random.below(64)), .done(version: 3), .done(version: 4), .changed, .unknown,
            .refused("no"),
        ]
        var found: [StoreAnswer.Entry] = []
        func add(_ key: String, _ value: [UInt8]) {
            if random.below(4) == 0 { return }
            let junk = Array("{\"form\":\(random.below(3))}".utf8)
            found.append(.init(key: key, version: UInt64(random.below(5)), value: random.below(8) == 0 ? junk : value))
        }
        add(
            ClusterKey.epoch,
            EpochRecord(
                instance: "i\(random.below(2))", number: 1, base: (random.next() >> 11) >> random.below(50),
                leaseMs: [2000, 6000, 9000][random.below(3)], settleMs: 6000
            ).bytes
        )
        for host in 1...UInt64(3) {
            let life = random.below(2) == 0 ? incarnation : Incarnation(rawValue: host)
            let record = HostRecord(
                incarnation: life, beat: 1, name: "x", pid: 1, boot: "b", version: "1",
                weight: UInt64(random.below(1001)), isDraining: random.below(5) == 0, leases: 1,
                settled: UInt64(random.below(2)), leaseMs: UInt64(random.below(2)) * 6000)
            add(ClusterKey.host(HostID(high: host, low: 1)), record.bytes)
        }
        let holder = random.below(3) == 0 ? nil : HostID(high: UInt64(1 + random.below(3)), low: 1)
        let claim = ClaimRecord(
            host: holder, incarnation: random.below(2) == 0 ? incarnation : Incarnation(rawValue: 2),
            token: (random.next() >> 11) >> random.below(50), sinceMs: .max, settled: 1)
        add("lease/routine/p/r", claim.bytes)
        let sent = [now, now - 5, .never, .longAgo][random.below(4)]
        return StoreAnswer(
            sent: sent, outcome: outcomes[random.below(outcomes.count)], found: random.below(6) == 0 ? nil : found)
    }
}

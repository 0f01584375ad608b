import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// A host with its store: each request is answered at once, unless it is away.
struct MemberDesk {
    static let second: Int64 = 1_000_000_000
    static let wall = WallTime(milliseconds: 1_790_000_000_000)
    var member: ClusterMember
    var store: ModelStore
    var now: BootTime = 1_000_000_000_000
    var isAway = false
    var told: [ClusterMember.Action] = []
    var requests: [StoreRequest] = []
    /// How many days the wall clock is ahead.
    var days: Int64 = 0
    /// Keys that the store does not write, and how many claims a list brings back; nil: all.
    var refused: Set<String> = []
    var mostListed: Int?
    let isGone: Bool

    init(
        _ id: UInt64 = 1, store: ModelStore = ModelStore(), boot: String = "boot", isGone: Bool = true,
        weight: UInt64 = 100, claims: [ClaimName] = [Self.claim], wish: ClaimWish = ClaimWish(), most: Int = 64,
        seconds: Int64 = 6
    ) {
        self.store = store
        self.isGone = isGone
        member = ClusterMember(
            .init(
                id: HostID(high: id, low: 1), name: "h\(id)", pid: id, boot: boot, version: "1",
                seed: .random(in: 0 ... .max)),
            length: seconds * Self.second, weight: weight)
        for claim in claims { tell(.want(claim, wish)) }
        tell(.up(StoreLink(instance: "i\(store.instance)", most: most)))
    }

    static let claim = ClaimName(plugin: "p", routine: "r")

    /// A host that has its claim.
    static func holder() -> Self {
        var desk = Self()
        desk.pass(6.1)
        #expect(desk.begun.count == 1)
        return desk
    }

    mutating func tell(_ event: ClusterMember.Event) {
        var waiting = [event]
        while !waiting.isEmpty {
            for action in member.handle(
                waiting.removeFirst(), at: now,
                wall: WallTime(milliseconds: Self.wall.milliseconds + days * 86_400_000))
            {
                switch action {
                case .ask(let id, let request):
                    requests.append(request)
                    if !isAway { waiting.append(.answer(id, answer(request))) }
                case .lookFor(_, let incarnation): waiting.append(.process(incarnation, isGone: isGone))
                case .reopen, .extend, .begin, .end, .kill, .refuse, .say, .closed: told.append(action)
                }
            }
        }
    }

    private mutating func answer(_ request: StoreRequest) -> StoreAnswer {
        var outcome = StoreAnswer.Outcome.done(version: 0)
        if request.puts.contains(where: { refused.contains($0.key) }) {
            outcome = .refused("no room")
        } else if request.writes {
            outcome = store.commit(request, at: 0).map { .done(version: $0) } ?? .changed
        }
        let found = request.reads.compactMap { store.values[$0] }
        var listed = request.lists.flatMap { store.list($0) }
        var cut: String?
        if let mostListed, let first = listed.firstIndex(where: { $0.key.hasPrefix(ClusterKey.claims) }),
            listed.count > first + mostListed
        {
            listed.removeSubrange((first + mostListed)...)
            cut = request.lists.last
        }
        return StoreAnswer(sent: now, outcome: outcome, found: found + listed, cut: cut)
    }

    /// Lets time pass, and timers fire.
    mutating func pass(_ seconds: Double) {
        let end = now + Int64(seconds * 1e9)
        var steps = 0
        while member.nextDeadline <= end, steps < 1000 {
            now = max(now, member.nextDeadline)
            tell(.deadline)
            steps += 1
        }
        #expect(steps < 1000, "its timer does not come to rest")
        now = end
    }

    var begun: [UInt64] { told.compactMap { if case .begin(_, let token) = $0 { token } else { nil } } }
    var record: ClaimRecord? { store.values["lease/routine/p/r"].flatMap { ClaimRecord($0.value) } }
}

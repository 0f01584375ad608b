internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Turns policies into what workers need to enter their sandboxes, and keeps that of the last workers for a while: a worker
/// with the same policy as one before, such as the one after a crash, gets the same ruleset, as long as each of its paths
/// leads to the same file.
final class Confiner {
    /// What a worker's sandbox is made from. The places come first, since they differ most.
    struct Wish: Equatable {
        let places: SandboxPolicy.Places
        let settings: SandboxSettings
    }

    private final class Kept {
        let wish: Wish
        let policy: SandboxPolicy
        let neighbours: Neighbours?
        /// What was found at the paths of the policy's rules.
        let found: [Ruleset.Identity?]
        let confinement: Confinement

        init(
            _ wish: Wish, policy: SandboxPolicy, neighbours: Neighbours?, found: [Ruleset.Identity?],
            confinement: Confinement
        ) {
            self.wish = wish
            self.policy = policy
            self.neighbours = neighbours
            self.found = found
            self.confinement = confinement
        }
    }

    /// The number of rulesets that are kept at most. Each takes a descriptor, and of the kernel 64 bytes for each rule.
    private static let most = 32
    /// For how long, in ns. As long as there are rules for a file that somebody has removed, its disk space is not freed; and a
    /// host that has become idle is to stay asleep.
    private static let time: Int64 = 1_000_000_000

    private let clock: (any HostClock)?
    private let deadlines: Deadlines?
    private var timer: Deadlines.Timer?
    private var kept: [Kept] = []
    private var memories: [(filter: SeccompProgram?, memory: PolicyMemory)] = []
    private weak var neighbours: Neighbours?

    /// Keeps nothing without a clock and deadlines.
    init(clock: (any HostClock)?, deadlines: Deadlines?) {
        self.clock = clock
        self.deadlines = deadlines
    }

    /// Whether a worker of the same wish was started shortly before, so that `known` may have what it needs.
    func mayKnow(_ wish: Wish) -> Bool { kept.contains { $0.wish == wish } }

    /// What a worker with the same policy had, complete; nil if there was none, or if a path leads elsewhere now. `neighbours`
    /// has the visible paths of the policy.
    func known(_ policy: SandboxPolicy, _ neighbours: Neighbours?) -> Confinement? {
        keepForAWhile(neighbours)
        guard let index = kept.lastIndex(where: { $0.neighbours === neighbours && $0.policy == policy }) else {
            return nil
        }
        let known = kept.remove(at: index)
        guard zip(policy.rules, known.found).allSatisfy({ Ruleset.Identity(of: $0.path) == $1 }) else { return nil }
        kept.append(known)
        return known.confinement
    }

    /// What a worker needs that is to have this, with a ruleset that permits nothing yet; complete if there are no rules.
    func begin(_ handled: SandboxPolicy.Handled, _ filter: SeccompProgram?) throws(SystemError) -> Confinement {
        keepForAWhile(nil)
        let memory = try memory(filter)
        if handled.isNothing { return Confinement(policy: memory, ruleset: nil) }
        let ruleset = try Ruleset(files: handled.files, ports: handled.ports, scopes: handled.scopes)
        return Confinement(policy: memory, ruleset: ruleset)
    }

    /// Adds the rules of a policy to a ruleset that has none; returns those that only the worker can make. `neighbours` has the
    /// visible paths of the policy. What is not complete is not kept.
    func complete(
        _ ruleset: Ruleset, _ memory: PolicyMemory, _ wish: Wish, _ policy: SandboxPolicy, _ neighbours: Neighbours?
    ) throws(SystemError) -> [SandboxPolicy.PathRule] {
        keepForAWhile(neighbours)
        let own = policy.rules.filter(\.isOwn)
        for port in policy.ports { try ruleset.allow(port.rights, port: port.port) }
        try neighbours?.allow(policy.visibleRights, by: ruleset, keepsOpen: timer != nil)
        var found: [Ruleset.Identity?] = []
        for rule in policy.rules where own.isEmpty || !rule.isOwn {
            let place =
                if let kept = neighbours?.device(rule.path) { kept } else {
                    try Ruleset.Place(rule.path, isExact: rule.isExact)
                }
            found.append(place?.identity)
            if let place { try ruleset.allow(rule.rights.rawValue, at: place) }
        }
        let late = own + policy.rules(visible: neighbours?.remote ?? [])
        // A worker with paths of its own adds them to the ruleset, which then is for no other worker.
        if own.isEmpty, timer != nil {
            let confinement = Confinement(policy: memory, ruleset: ruleset, own: late)
            kept.append(
                Kept(wish, policy: policy, neighbours: neighbours, found: found, confinement: confinement))
            if kept.count > Self.most { kept.removeFirst() }
        }
        return late
    }

    /// Forgets all rules, since paths may lead to other files now.
    func forget() {
        kept = []
        neighbours?.close()
    }

    private func memory(_ filter: SeccompProgram?) throws(SystemError) -> PolicyMemory {
        if let known = memories.first(where: { $0.filter == filter }) { return known.memory }
        let memory = try PolicyMemory(SandboxPolicy.bytes(filter))
        if timer != nil {
            memories.append((filter, memory))
            if memories.count > Self.most { memories.removeFirst() }
        }
        return memory
    }

    private func keepForAWhile(_ neighbours: Neighbours?) {
        guard let clock, let deadlines else { return }
        let timer = timer ?? deadlines.make { [weak self] _ in self?.forget() }
        self.timer = timer
        self.neighbours = neighbours ?? self.neighbours
        deadlines.set(timer, at: clock.monotonic() + Self.time)
    }
}

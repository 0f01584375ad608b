internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What a worker needs in order to enter its sandbox.
struct Confinement {
    /// Memory with what it does itself: see CHostSystemSandbox.h.
    let policy: PolicyMemory
    /// The rules for files, ports and signals; nil if the kernel has none.
    let ruleset: Ruleset?
}

/// A policy in memory that workers can read and nobody can change.
final class PolicyMemory: Sendable {
    let descriptor: Descriptor

    init(_ policy: SandboxPolicy, paths: [SandboxPolicy.PathRule] = []) throws(SystemError) {
        descriptor = try Descriptor.sealedMemory("schedhost-sandbox", policy.bytes(paths: paths))
    }
}

/// Turns policies into what workers need to enter their sandboxes, and keeps that of the last workers for a while: a worker
/// with the same policy as one before, such as the one after a crash, gets the same ruleset, as long as each of its paths
/// leads to the same file.
final class Confiner {
    private final class Kept {
        let policy: SandboxPolicy
        let neighbours: Neighbours?
        /// What was found at the paths of the policy's rules.
        let found: [Ruleset.Identity?]
        let confinement: Confinement

        init(
            policy: SandboxPolicy, neighbours: Neighbours?, found: [Ruleset.Identity?], confinement: Confinement
        ) {
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

    /// What a worker with that policy needs. `neighbours` has the visible paths of the policy.
    func confine(_ policy: SandboxPolicy, _ neighbours: Neighbours?) throws(SystemError) -> Confinement {
        keepForAWhile(neighbours)
        if policy.files | policy.handledPorts | policy.scopes == 0 {
            return Confinement(policy: try memory(policy), ruleset: nil)
        }
        let own = policy.rules.filter(\.isOwn)
        let remote = policy.rules(visible: neighbours?.remote ?? [])
        let rules = own.isEmpty ? policy.rules : policy.rules.filter { !$0.isOwn }
        // A worker with paths of its own adds them to the ruleset, which then is for no other worker.
        if own.isEmpty, let known = keptFor(policy, neighbours, rules) { return known }
        let ruleset = try Ruleset(files: policy.files, ports: policy.handledPorts, scopes: policy.scopes)
        for port in policy.ports { try ruleset.allow(port.rights, port: port.port) }
        try neighbours?.allow(policy.visibleRights, by: ruleset, keepsOpen: timer != nil)
        var found: [Ruleset.Identity?] = []
        for rule in rules {
            let place =
                if let kept = neighbours?.device(rule.path) { kept } else {
                    try Ruleset.Place(rule.path, isExact: rule.isExact)
                }
            found.append(place?.identity)
            if let place { try ruleset.allow(rule.rights.rawValue, at: place) }
        }
        let late = own + remote
        let confinement = Confinement(
            policy: late.isEmpty ? try memory(policy) : try PolicyMemory(policy, paths: late), ruleset: ruleset)
        if own.isEmpty, timer != nil {
            kept.append(Kept(policy: policy, neighbours: neighbours, found: found, confinement: confinement))
            if kept.count > Self.most { kept.removeFirst() }
        }
        return confinement
    }

    /// Forgets all rules, since paths may lead to other files now.
    func forget() {
        kept = []
        neighbours?.close()
    }

    private func keptFor(_ policy: SandboxPolicy, _ neighbours: Neighbours?, _ rules: [SandboxPolicy.PathRule])
        -> Confinement?
    {
        guard let index = kept.lastIndex(where: { $0.neighbours === neighbours && $0.policy == policy }) else {
            return nil
        }
        let known = kept.remove(at: index)
        guard zip(rules, known.found).allSatisfy({ Ruleset.Identity(of: $0.path) == $1 }) else { return nil }
        kept.append(known)
        return known.confinement
    }

    private func memory(_ policy: SandboxPolicy) throws(SystemError) -> PolicyMemory {
        if let known = memories.first(where: { $0.filter == policy.filter }) { return known.memory }
        let memory = try PolicyMemory(policy)
        if timer != nil {
            memories.append((policy.filter, memory))
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

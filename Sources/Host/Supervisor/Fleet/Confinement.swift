internal import HostPolicy
internal import HostSystem
internal import HostWire

/// What a worker needs in order to enter its sandbox. Its process inherits the descriptors when it starts; the rules are added
/// to the ruleset meanwhile, since to look up the paths takes about as long as the process takes until it needs them.
///
/// Until it is complete, the ruleset permits less than it shall, and never more: a worker that entered it too early could open
/// nothing.
struct Confinement {
    /// Memory with what it does itself: see CHostSystemSandbox.h.
    let policy: PolicyMemory
    /// The rules for files, ports and signals; nil if the kernel has none.
    let ruleset: Ruleset?
    private let rest: Rest

    private enum Rest {
        /// Nothing is left but rules that only the worker can make.
        case none([SandboxPolicy.PathRule])
        case rules(() throws(SystemError) -> [SandboxPolicy.PathRule])
    }

    /// One that is complete, but for the rules that only the worker can make.
    init(policy: PolicyMemory, ruleset: Ruleset?, own: [SandboxPolicy.PathRule] = []) {
        self.policy = policy
        self.ruleset = ruleset
        rest = .none(own)
    }

    /// One whose ruleset has no rules yet: `complete` adds them.
    init(
        policy: PolicyMemory, ruleset: Ruleset?,
        complete: @escaping () throws(SystemError) -> [SandboxPolicy.PathRule]
    ) {
        self.policy = policy
        self.ruleset = ruleset
        rest = .rules(complete)
    }

    /// Adds the rules that it does not have yet, once; returns the command that lets the worker enter its sandbox.
    func complete() throws(SystemError) -> WorkerCommand {
        let own =
            switch rest {
            case .none(let own): own
            case .rules(let complete): try complete()
            }
        return .confine(own.map { OwnRule(path: $0.path, rights: $0.rights.rawValue) })
    }
}

/// A policy in memory that workers can read and nobody can change.
final class PolicyMemory: Sendable {
    let descriptor: Descriptor

    /// `bytes` are those of a `SandboxPolicy`.
    init(_ bytes: [UInt8]) throws(SystemError) {
        descriptor = try Descriptor.sealedMemory("schedhost-sandbox", bytes)
    }
}

/// Where what a worker needs in order to enter its sandbox comes from.
enum SandboxSource {
    /// The worker has no sandbox.
    case none
    case made(Confinement)
    case maker(SandboxMaker, SandboxSettings, SandboxPolicy.Places)

    /// What the worker's process inherits; nil if it has no sandbox.
    func begin() throws(SystemError) -> Confinement? {
        switch self {
        case .none: nil
        case .made(let confinement): confinement
        case .maker(let maker, let settings, let places): try maker.begin(settings, places)
        }
    }
}

internal import HostWire

/// When a worker enters its sandbox. Its arguments say that it is to have one, and a command that the sandbox is complete: the
/// supervisor makes it while the worker's process starts. Without that command the worker does nothing for which it would run
/// code of a plugin. Pure.
struct SandboxEntry {
    /// What is to be done with a command.
    enum Step: Equatable {
        /// Perform it.
        case perform
        /// Enter the sandbox, with these rules in addition to those of the ruleset. The process ends if that fails.
        case enter([OwnRule])
        /// End the process, for that reason.
        case die(String)
    }

    private var isAwaited: Bool

    /// For a worker that is to have a sandbox, or none.
    init(isConfined: Bool) { isAwaited = isConfined }

    /// What is to be done with the next command.
    mutating func step(_ command: WorkerCommand) -> Step {
        switch command {
        case .confine(let rules):
            guard isAwaited else { return .die("worker: a sandbox that it is not to have, or has") }
            isAwaited = false
            return .enter(rules)
        case .seal, .logLevel, .quit: return .perform
        case .load, .start, .stop, .runNow, .pause, .resume, .go, .history, .dropCached, .share, .store:
            return isAwaited ? .die("worker: a command that needs a plugin, before its sandbox") : .perform
        }
    }
}

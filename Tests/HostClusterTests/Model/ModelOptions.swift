@testable import HostCluster

/// What can go wrong in the model.
enum Fault: CaseIterable {
    /// A whole host, its supervisor, its store worker or its workers are stopped, and go on later.
    case pauseHost, pauseSupervisor, pauseStoreWorker, pauseWorkers
    /// The supervisor dies, and its workers with it; a worker; the store worker.
    case crash, crashWorker, crashStoreWorker
    /// Nothing goes between a host and the store; or only nothing in one direction.
    case partition, losesRequests, losesAnswers
    /// All takes long.
    case slow
    /// Answers come late, though in time; and then nothing goes through any more.
    case lateAnswers
    /// Connections are made, and most of what is sent on them is lost: large packets do not get through, say.
    case flaky
    /// The store answers that it does not know whether a commit was done; mostly it was not.
    case unsure
    /// The store is away for a while.
    case storeDown
    /// The same, and another server goes on that lacks the last commits, or all, or the same one is empty.
    case failover, wipe, flush
    /// People: a claim is moved, a host is drained for a while, or stopped and started.
    case move, drain, stop
    /// People: a routine goes from the configuration of a host, or of all, and comes back.
    case remove
    /// People: a routine is stopped on one host, until that one starts again; some host has it always.
    case rest
}

/// Who ends a session whose time is over.
enum DeadlineKeeper {
    /// A timer of the kernel: it works whatever is stopped.
    case kernel
    /// The worker itself, when it is not stopped. And the supervisor.
    case worker
    /// The supervisor alone.
    case supervisor
}

struct ModelOptions {
    var hosts = 3
    var claims = 2
    /// The length of a lease, ms.
    var lease: Int64 = 6000
    /// How many times as long leases are to be by some hosts' configurations.
    var lengths: [Int64] = [1]
    /// Half of the clocks are too fast by this, half too slow.
    var rate = 0.01
    /// Mean time between faults, ms.
    var gap: Double = 4000
    var faults = Fault.allCases
    /// How long, in seconds of virtual time.
    var seconds: Int64 = 600
    var keeper = DeadlineKeeper.kernel
    var missing: LeaseRule?
    /// The last host has the id of the first one.
    var hasClone = false
    /// How many conditions a commit may have.
    var mostConditions = 64
    var wish = ClaimWish()
    /// How old the records of claims must be that nobody wants to be removed, ms by the wall clocks.
    var sweepAge: Int64 = 2000
    /// How many answers are lost, percent.
    var lostAnswers = 1
    /// How long it takes from one page of a list to the next, ms: mostly little.
    var listing = 5.0
}

/// What must never be, and was.
struct Violation: CustomStringConvertible {
    let time: Int64
    let text: String

    var description: String { "at \(Double(time) / 1e9) s: \(text)" }
}

/// What a run has seen.
struct ModelResult {
    var violations: [Violation] = []
    var sessions = 0
    var killed = 0
    var requests = 0
    /// How long claims were without a host after a crash, ms.
    var takeovers: [Double] = []
    var faults: [Fault: Int] = [:]
}

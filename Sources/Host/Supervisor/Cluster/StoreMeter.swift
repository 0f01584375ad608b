internal import HostValues
internal import HostWire

/// Counts what was asked of the cluster's store for one purpose, and how long the answers took. Pure.
struct StoreMeter {
    /// What came of it so far.
    var uses: [StoreUse] { [reads, commits] }

    private var reads: StoreUse
    private var commits: StoreUse
    private var open: [UInt64: (operation: StoreUse.Operation, asked: BootTime)] = [:]

    init(_ purpose: StoreUse.Purpose) {
        reads = StoreUse(purpose, .read)
        commits = StoreUse(purpose, .commit)
    }

    /// The request of that number is on its way.
    mutating func asked(_ id: UInt64, _ request: StoreRequest, at now: BootTime) {
        open[id] = (request.writes ? .commit : .read, now)
    }

    /// It is answered.
    mutating func answered(_ id: UInt64, _ answer: StoreAnswer, at now: BootTime) {
        guard let request = open.removeValue(forKey: id) else { return }
        // A request that was to read, and has read nothing, was in vain.
        let outcome: StoreAnswer.Outcome =
            answer.found == nil && answer.outcome == .done(version: 0) ? .unknown : answer.outcome
        count(request.operation, outcome, after: max(0, now - request.asked))
    }

    /// The connection is gone: what is not answered yet never will be.
    mutating func lost(at now: BootTime) {
        for request in open.values { count(request.operation, .unknown, after: max(0, now - request.asked)) }
        open = [:]
    }

    private mutating func count(_ operation: StoreUse.Operation, _ outcome: StoreAnswer.Outcome, after time: Int64) {
        switch operation {
        case .read: reads.count(outcome, after: time)
        case .commit: commits.count(outcome, after: time)
        }
    }
}

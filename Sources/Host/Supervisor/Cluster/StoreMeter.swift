internal import HostValues
internal import HostWire

/// Counts what was asked of the cluster's store for one purpose, and how long the answers took. Pure.
struct StoreMeter {
    /// What came of it so far.
    var uses: [StoreUse] { counts.all }

    private var counts: StoreUses
    private var open: [UInt64: (operation: StoreUse.Operation, asked: BootTime)] = [:]

    init(_ purpose: StoreUse.Purpose) { counts = StoreUses(purpose) }

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
        counts.count(request.operation, outcome, after: max(0, now - request.asked))
    }

    /// The connection is gone: what is not answered yet never will be.
    mutating func lost(at now: BootTime) {
        for request in open.values { counts.count(request.operation, .unknown, after: max(0, now - request.asked)) }
        open = [:]
    }
}

public import HostValues

/// What a host has asked of a store of its cluster since its start, for one purpose and of one kind.
public struct StoreUse: Equatable, Sendable {
    /// What for.
    public enum Purpose: String, CaseIterable, Sendable {
        /// To hold leases.
        case leases
        /// To tell people on all hosts.
        case people
        /// To share what caches have. A request is a call of the store, which may be for several workers.
        case caches
    }

    /// What kind of request.
    public enum Operation: String, CaseIterable, Sendable {
        /// It only reads.
        case read
        /// It commits, and may read after that.
        case commit
    }

    /// What for.
    public var purpose: Purpose
    /// What kind of request.
    public var operation: Operation
    /// How many were done.
    public var done: UInt64 = 0
    /// How many were not, because something was not as it was thought to be.
    public var changed: UInt64 = 0
    /// Of how many nobody knows what became of them.
    public var unknown: UInt64 = 0
    /// How many the store would not do.
    public var refused: UInt64 = 0
    /// How long those took that were answered: from the supervisor and back to it; for caches, the store's call.
    public var durations = LatencyHistogram()
    /// How long they took in all, in ns.
    public var totalNs: Int64 = 0

    /// Nothing so far.
    public init(_ purpose: Purpose, _ operation: Operation) {
        self.purpose = purpose
        self.operation = operation
    }

    /// One more was answered after so many ns.
    public mutating func count(_ outcome: StoreAnswer.Outcome, after time: Int64) {
        switch outcome {
        case .done: done += 1
        case .changed: changed += 1
        case .unknown: unknown += 1
        case .refused: refused += 1
        }
        durations.add(time)
        totalNs = totalNs.clampedPlus(time)
    }

    /// As many more as another one has, whatever it is for.
    public mutating func add(_ other: StoreUse) {
        done = done.clampedPlus(other.done)
        changed = changed.clampedPlus(other.changed)
        unknown = unknown.clampedPlus(other.unknown)
        refused = refused.clampedPlus(other.refused)
        durations.add(other.durations)
        totalNs = totalNs.clampedPlus(max(0, other.totalNs))
    }
}

/// What was asked of a store for one purpose, of each kind.
public struct StoreUses: Equatable, Sendable {
    private var reads: StoreUse
    private var commits: StoreUse

    /// Nothing so far.
    public init(_ purpose: StoreUse.Purpose) {
        reads = StoreUse(purpose, .read)
        commits = StoreUse(purpose, .commit)
    }

    /// One of each kind.
    public var all: [StoreUse] { [reads, commits] }

    /// One more was answered after so many ns.
    public mutating func count(_ operation: StoreUse.Operation, _ outcome: StoreAnswer.Outcome, after time: Int64) {
        switch operation {
        case .read: reads.count(outcome, after: time)
        case .commit: commits.count(outcome, after: time)
        }
    }

    /// As many more of that kind, whatever they are said to be for.
    public mutating func add(_ use: StoreUse) {
        switch use.operation {
        case .read: reads.add(use)
        case .commit: commits.add(use)
        }
    }
}

extension StoreUse {
    func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("purpose", purpose.rawValue)
        writer.field("operation", operation.rawValue)
        writer.field("done", done)
        writer.field("changed", changed)
        writer.field("unknown", unknown)
        writer.field("refused", refused)
        writer.field("total_ns", totalNs)
        writer.list("durations", numbers: durations.counts)
        writer.close()
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var use = StoreUse(.leases, .read)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "purpose": use.purpose = try cursor.word()
            case "operation": use.operation = try cursor.word()
            case "done": use.done = try cursor.unsigned()
            case "changed": use.changed = try cursor.unsigned()
            case "unknown": use.unknown = try cursor.unsigned()
            case "refused": use.refused = try cursor.unsigned()
            case "total_ns": use.totalNs = try cursor.signed()
            case "durations":
                var counts: [UInt64] = []
                try cursor.list { (cursor) throws(JSONFault) in counts.append(try cursor.unsigned()) }
                use.durations = LatencyHistogram(counts)
            default: try cursor.skip()
            }
        }
        self = use
    }
}

extension SessionRecord {
    /// How long the cycles of a session took, and how late they began, in ns.
    ///
    /// The quantiles are estimates: the true value lies between half and twice the number, see `LatencyHistogram`.
    public struct CycleTimes: Equatable, Sendable {
        /// The duration below which half of the cycles stayed.
        public var p50: Int64
        /// The duration below which 99 of 100 cycles stayed.
        public var p99: Int64
        /// The duration of the longest cycle.
        public var longest: Int64
        /// The lateness below which half of the cycles stayed.
        public var lateP50: Int64
        /// The lateness below which 99 of 100 cycles stayed.
        public var lateP99: Int64

        /// Creates the times from their five numbers.
        public init(p50: Int64, p99: Int64, longest: Int64, lateP50: Int64, lateP99: Int64) {
            self.p50 = p50
            self.p99 = p99
            self.longest = longest
            self.lateP50 = lateP50
            self.lateP99 = lateP99
        }
    }

    /// The record with these times of its cycles.
    public func timed(_ times: CycleTimes?) -> SessionRecord {
        var record = self
        record.cycleTimes = times
        return record
    }
}

extension SessionRecord.CycleTimes {
    /// Writes the times as the value of a field of the object that is open in `writer`.
    func write(_ name: String, to writer: inout JSONWriter) {
        writer.open(name)
        writer.field("p50_ns", p50)
        writer.field("p99_ns", p99)
        writer.field("longest_ns", longest)
        writer.field("late_p50_ns", lateP50)
        writer.field("late_p99_ns", lateP99)
        writer.close()
    }

    /// Reads an object that `write` wrote. Missing numbers are 0.
    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var times = Self(p50: 0, p99: 0, longest: 0, lateP50: 0, lateP99: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "p50_ns": times.p50 = try cursor.signed()
            case "p99_ns": times.p99 = try cursor.signed()
            case "longest_ns": times.longest = try cursor.signed()
            case "late_p50_ns": times.lateP50 = try cursor.signed()
            case "late_p99_ns": times.lateP99 = try cursor.signed()
            default: try cursor.skip()
            }
        }
        self = times
    }
}

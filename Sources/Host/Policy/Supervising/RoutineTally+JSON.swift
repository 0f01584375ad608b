public import HostValues

/// A tally as JSON. Fields that are unknown are skipped, so that an older host reads what a newer one saved.
extension RoutineTally {
    /// Writes an object as the value of a field.
    public func write(_ name: String, to writer: inout JSONWriter) {
        writer.open(name)
        writer.field("content", content)
        writer.list("failures", of: failures) { $0.write(to: &$1) }
        if let paused { writer.field("paused", paused) }
        if let quarantine { quarantine.write(to: &writer) }
        if let rows {
            writer.list("rows", of: rows) { $0.write(to: &$1) }
        }
        writer.field("stopped", stopped)
        writer.close()
    }

    /// Reads an object. Throws if a field is missing that every version has.
    public init(reading cursor: inout JSONCursor) throws(JSONFault) {
        var content: String?
        var failures: [Failure]?
        var rows: [Row]?
        var stopped: Bool?
        var quarantine: Quarantine?
        var paused: Bool?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "content": content = try cursor.string()
            case "failures":
                var read: [Failure] = []
                try cursor.list { (cursor) throws(JSONFault) in read.append(try Failure(reading: &cursor)) }
                failures = read
            case "rows":
                var read: [Row] = []
                try cursor.list { (cursor) throws(JSONFault) in read.append(try Row(reading: &cursor)) }
                rows = read
            case "stopped": stopped = try cursor.bool()
            case "quarantine": quarantine = try Quarantine(reading: &cursor)
            case "paused": paused = try cursor.bool()
            default: try cursor.skip()
            }
        }
        guard let content, let failures, let stopped else {
            throw cursor.fault("content, failures and stopped before this")
        }
        self.init(
            content: content, failures: failures, rows: rows, stopped: stopped, quarantine: quarantine, paused: paused)
    }
}

extension RoutineTally.Failure {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("at_ms", atMs)
        writer.field("cause", cause)
        writer.close()
    }

    fileprivate init(reading cursor: inout JSONCursor) throws(JSONFault) {
        var atMs: Int64?
        var cause: String?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "at_ms": atMs = try cursor.signed()
            case "cause": cause = try cursor.string()
            default: try cursor.skip()
            }
        }
        guard let atMs, let cause else { throw cursor.fault("at_ms and cause before this") }
        self.init(atMs: atMs, cause: cause)
    }
}

extension RoutineTally.Quarantine {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open("quarantine")
        if let probeAtMs { writer.field("probe_at_ms", probeAtMs) }
        writer.field("step", step)
        writer.field("why", why)
        writer.close()
    }

    fileprivate init(reading cursor: inout JSONCursor) throws(JSONFault) {
        var why: String?
        var probeAtMs: Int64?
        var step: Int64?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "why": why = try cursor.string()
            case "probe_at_ms": probeAtMs = try cursor.signed()
            case "step": step = try cursor.signed()
            default: try cursor.skip()
            }
        }
        guard let why, let step else { throw cursor.fault("why and step before this") }
        self.init(why: why, probeAtMs: probeAtMs, step: Int(step))
    }
}

extension RoutineTally.Row {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("cause", cause)
        writer.field("count", count)
        writer.field("fault", fault)
        writer.field("since_ms", sinceMs)
        writer.close()
    }

    fileprivate init(reading cursor: inout JSONCursor) throws(JSONFault) {
        var fault: String?
        var sinceMs: Int64?
        var count: Int64?
        var cause: String?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "fault": fault = try cursor.string()
            case "since_ms": sinceMs = try cursor.signed()
            case "count": count = try cursor.signed()
            case "cause": cause = try cursor.string()
            default: try cursor.skip()
            }
        }
        guard let fault, let sinceMs, let count, let cause else {
            throw cursor.fault("fault, since_ms, count and cause before this")
        }
        self.init(fault: fault, sinceMs: sinceMs, count: Int(count), cause: cause)
    }
}

extension SessionRecord {
    /// The maximum length of a line in bytes, without its line break, for writing and reading.
    public static let longestLine = 1 << 20
    /// The maximum number of stats columns in a line; further ones are omitted.
    public static let mostStats = 64
    /// The maximum length of a text in a line, in bytes; a longer one is cut.
    public static let longestText = 2048

    /// The record as one line of JSON, without the line break.
    ///
    /// Texts are cut to 2 KiB and the names of stats to 128 bytes, so that no line exceeds `longestLine`.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        write(to: &writer)
        writer.close()
        return writer.bytes
    }

    /// Writes the fields into the object that is open in `writer`.
    public func write(to writer: inout JSONWriter) {
        let limit = Self.longestText
        func text(_ key: Field, _ value: String?) {
            if let value { writer.field(key.rawValue, value, limit: limit) }
        }
        func number(_ key: Field, _ value: Int64?) {
            if let value { writer.field(key.rawValue, value) }
        }
        func count(_ key: Field, _ value: UInt64?) {
            if let value { writer.field(key.rawValue, value) }
        }
        text(.session, session.description)
        text(.plugin, plugin)
        text(.pluginVersion, pluginVersion)
        text(.build, build)
        text(.routine, routine)
        text(.host, host)
        number(.pid, pid.map { Int64($0) })
        number(.startMs, startMs)
        number(.finishMs, finishMs)
        number(.durationMs, durationMs)
        number(.clockStepMs, clockStepMs)
        count(.cycles, cycles)
        count(.failures, failures)
        count(.missed, missed)
        count(.lifetimeCycles, lifetimeCycles)
        cycleTimes?.write(Field.cycleTimes.rawValue, to: &writer)
        writer.open(Field.reason.rawValue)
        reason.write(to: &writer, limit: limit)
        writer.close()
        writer.open(Field.stats.rawValue)
        stats.write(to: &writer)
        writer.close()
        text(.report, report)
        count(.leaseToken, leaseToken)
        number(.shard, shard.map { Int64($0.index) })
        number(.shards, shard.map { Int64($0.count) })
        text(.hostID, hostID)
    }

    /// The reason why bytes could not be read as a record.
    public struct Malformed: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong, with the column.
        public let description: String
    }

    /// Reads a record from a line. Unknown fields are skipped; null counts as absent.
    public init(line: [UInt8]) throws(Malformed) {
        try self.init(line, in: 0..<line.count)
    }

    /// Reads a record from a line within a larger buffer.
    public init(_ bytes: [UInt8], in range: Range<Int>) throws(Malformed) {
        guard range.count <= Self.longestLine else { throw Malformed(description: "a line of over 1 MiB") }
        var draft = Draft()
        do throws(JSONFault) {
            var cursor = JSONCursor(bytes, in: range)
            try cursor.object { (cursor, name) throws(JSONFault) in try draft.take(name, from: &cursor) }
            try cursor.finish()
        } catch {
            throw Malformed(description: "no session record: \(error)")
        }
        self = try draft.record()
    }
}

extension SessionRecord {
    /// Reads an object whose fields `write` wrote.
    public init(from cursor: inout JSONCursor) throws(JSONFault) {
        var draft = Draft()
        try cursor.object { (cursor, name) throws(JSONFault) in try draft.take(name, from: &cursor) }
        do throws(Malformed) {
            self = try draft.record()
        } catch {
            throw cursor.fault("a session record before this")
        }
    }
}

extension SessionRecord.Reason {
    /// Writes the fields into the object that is open in `writer`, with texts cut to `limit` bytes.
    public func write(to writer: inout JSONWriter, limit: Int = SessionRecord.longestText) {
        writer.field("kind", kind.name, limit: limit)
        writer.field("text", text, limit: limit)
        if let signal { writer.field("signal", signal, limit: limit) }
        if let cycle { writer.field("cycle", cycle) }
        if let phase { writer.field("phase", phase, limit: limit) }
        if let frame { writer.field("frame", frame, limit: limit) }
    }

    /// Reads an object that `write` wrote.
    public init(from cursor: inout JSONCursor) throws(JSONFault) {
        var reason = SessionRecord.Reason(named: "")
        var kind: String?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "kind": kind = try cursor.string()
            case "text": reason.text = try cursor.string()
            case "signal": reason.signal = try cursor.string()
            case "cycle": reason.cycle = try cursor.unsigned()
            case "phase": reason.phase = try cursor.string()
            case "frame": reason.frame = try cursor.string()
            default: try cursor.skip()
            }
        }
        guard let kind else { throw cursor.fault("the field kind in reason") }
        reason.kind = .init(name: kind)
        self = reason
    }
}

extension SessionRecord.Stats {
    /// Writes the columns into the object that is open in `writer`.
    public func write(to writer: inout JSONWriter) {
        let limit = SessionRecord.longestText
        for (name, value) in columns.prefix(SessionRecord.mostStats) {
            let name = String(name.cut(to: 128))
            switch value {
            case .int(let value): writer.field(name, value)
            case .double(let value): writer.field(name, value)
            case .string(let value): writer.field(name, value, limit: limit)
            }
        }
    }

    /// Reads the columns; those beyond the limit of a line are dropped.
    public init(from cursor: inout JSONCursor) throws(JSONFault) {
        var stats = SessionRecord.Stats()
        var count = 0
        try cursor.object { (cursor, name) throws(JSONFault) in
            count += 1
            guard count <= SessionRecord.mostStats else { return try cursor.skip() }
            if let value = try cursor.scalar() { stats[name] = value }
        }
        self = stats
    }
}

/// A record that is still being read.
private struct Draft {
    var session: SessionID?
    var plugin: String?
    var routine: String?
    var startMs: Int64?
    var finishMs: Int64?
    var reason: SessionRecord.Reason?
    var rest = SessionRecord(
        session: SessionID(rawValue: 0), plugin: "", routine: "", startMs: 0, finishMs: 0, durationMs: 0, cycles: 0,
        reason: .init(named: ""))

    mutating func take(_ name: String, from cursor: inout JSONCursor) throws(JSONFault) {
        guard let key = SessionRecord.Field(rawValue: name) else { return try cursor.skip() }
        if try cursor.null() { return }
        switch key {
        case .session:
            guard let id = SessionID(try cursor.string()) else { throw cursor.fault("a session id before this") }
            session = id
        case .plugin: plugin = try cursor.string()
        case .pluginVersion: rest.pluginVersion = try cursor.string()
        case .build: rest.build = try cursor.string()
        case .routine: routine = try cursor.string()
        case .host: rest.host = try cursor.string()
        case .pid:
            guard let pid = Int32(exactly: try cursor.signed()) else { throw cursor.fault("a process id before this") }
            rest.pid = pid
        case .startMs: startMs = try cursor.signed()
        case .finishMs: finishMs = try cursor.signed()
        case .durationMs: rest.durationMs = try cursor.signed()
        case .clockStepMs: rest.clockStepMs = try cursor.signed()
        case .cycles: rest.cycles = try cursor.unsigned()
        case .failures: rest.failures = try cursor.unsigned()
        case .missed: rest.missed = try cursor.unsigned()
        case .lifetimeCycles: rest.lifetimeCycles = try cursor.unsigned()
        case .cycleTimes: rest.cycleTimes = try SessionRecord.CycleTimes(from: &cursor)
        case .reason: reason = try SessionRecord.Reason(from: &cursor)
        case .stats: rest.stats = try SessionRecord.Stats(from: &cursor)
        case .report: rest.report = try cursor.string()
        case .leaseToken: rest.leaseToken = try cursor.unsigned()
        case .shard: rest.shard = RoutineShard(Int(clamping: try cursor.unsigned()), of: rest.shard?.count ?? 1)
        case .hostID: rest.hostID = try cursor.string()
        case .shards: rest.shard = RoutineShard(rest.shard?.index ?? 0, of: Int(clamping: try cursor.unsigned()))
        }
    }

    func record() throws(SessionRecord.Malformed) -> SessionRecord {
        func need<Value>(_ field: Value?, _ key: SessionRecord.Field) throws(SessionRecord.Malformed) -> Value {
            guard let field else { throw .init(description: "no session record: the field \(key.rawValue) is missing") }
            return field
        }
        var record = rest
        record.session = try need(session, .session)
        record.plugin = try need(plugin, .plugin)
        record.routine = try need(routine, .routine)
        record.startMs = try need(startMs, .startMs)
        record.finishMs = try need(finishMs, .finishMs)
        record.reason = try need(reason, .reason)
        return record
    }
}

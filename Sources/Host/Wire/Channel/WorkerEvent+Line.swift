internal import HostValues

/// The format on the channel: an object with a single field, which has the name of the event.
extension WorkerEvent {
    /// The event as one line of JSON, without the line break.
    public func line() -> [UInt8] {
        if case .store(let event) = self { return event.line() }
        var writer = JSONWriter()
        writer.open()
        switch self {
        case .described(let plugin, let description):
            writer.open("described")
            writer.field("plugin", plugin)
            description.write(to: &writer)
            writer.close()
        case .loaded(let plugin): writer.field("loaded", plugin)
        case .refused(let plugin, let stage, let text):
            writer.open("refused")
            writer.field("plugin", plugin)
            writer.field("stage", stage.rawValue)
            writer.field("text", text)
            writer.close()
        case .ended(let ended):
            writer.open("ended")
            ended.write(to: &writer)
            writer.close()
        case .log(let log):
            writer.open("log")
            log.write(to: &writer)
            writer.close()
        case .dropped(let count): writer.field("dropped", count)
        case .wantsTurn(let slot, let session, let number, let due):
            writer.open("wants_turn")
            writer.field("slot", slot)
            writer.field("session", session.rawValue)
            writer.field("number", number)
            writer.field("due", due.nanoseconds)
            writer.close()
        case .turnOver(let slot, let session):
            writer.open("turn_over")
            writer.field("slot", slot)
            writer.field("session", session.rawValue)
            writer.close()
        case .wantsHistory(let slot, let session):
            writer.open("wants_history")
            writer.field("slot", slot)
            writer.field("session", session.rawValue)
            writer.close()
        case .wantsShared(let plugin): writer.field("wants_shared", plugin)
        case .store: break
        case .goodbye: writer.field("goodbye", true)
        }
        writer.close()
        return writer.bytes
    }

    /// Parses a line; nil if it is not an event. A missing field counts as zero, also in an event that a plugin forged:
    /// the supervisor checks each number against its own data.
    public init?(line: [UInt8]) {
        var cursor = JSONCursor(line, in: 0..<line.count)
        var event: WorkerEvent?
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "described": event = try Self.described(from: &cursor)
                case "loaded": event = .loaded(plugin: try cursor.whole())
                case "refused": event = try Self.refused(from: &cursor)
                case "ended": event = .ended(try Ended(from: &cursor))
                case "log": event = .log(try Log(from: &cursor))
                case "wants_turn":
                    let turn = try Turn(from: &cursor)
                    event = .wantsTurn(slot: turn.slot, session: turn.session, number: turn.number, due: turn.due)
                case "turn_over":
                    let turn = try Turn(from: &cursor)
                    event = .turnOver(slot: turn.slot, session: turn.session)
                case "wants_history":
                    let turn = try Turn(from: &cursor)
                    event = .wantsHistory(slot: turn.slot, session: turn.session)
                case "wants_shared": event = .wantsShared(plugin: try cursor.whole())
                case "dropped": event = .dropped(count: try cursor.whole())
                case "goodbye": event = try cursor.bool() ? .goodbye : nil
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let event = event ?? StoreEvent(line: line).map(WorkerEvent.store) else { return nil }
        self = event
    }

    private struct Turn {
        var slot = 0
        var session = SessionID(rawValue: 0)
        var number: UInt64 = 0
        var due = BootTime(nanoseconds: 0)

        init(from cursor: inout JSONCursor) throws(JSONFault) {
            var turn = (slot: 0, session: UInt64(0), number: UInt64(0), due: Int64(0))
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "slot": turn.slot = try cursor.whole()
                case "session": turn.session = try cursor.unsigned()
                case "number": turn.number = try cursor.unsigned()
                case "due": turn.due = try cursor.signed()
                default: try cursor.skip()
                }
            }
            (slot, session, number, due) = (
                turn.slot, SessionID(rawValue: turn.session), turn.number, BootTime(nanoseconds: turn.due)
            )
        }
    }

    private static func described(from cursor: inout JSONCursor) throws(JSONFault) -> WorkerEvent {
        var plugin = 0
        var description = PluginDescription(
            id: "", version: "", description: nil, isSerial: false, parameters: [], routines: [])
        try cursor.object { (cursor, name) throws(JSONFault) in
            if name == "plugin" { plugin = try cursor.whole() } else { try description.take(name, from: &cursor) }
        }
        if let fault = description.fault { return .refused(plugin: plugin, stage: .descriptor, text: fault) }
        return .described(plugin: plugin, description)
    }

    private static func refused(from cursor: inout JSONCursor) throws(JSONFault) -> WorkerEvent {
        var (plugin, stage, text) = (0, LoadStage.open, "")
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "plugin": plugin = try cursor.whole()
            case "stage":
                guard let known = LoadStage(rawValue: try cursor.string()) else {
                    throw cursor.fault("a stage of a load before this")
                }
                stage = known
            case "text": text = String(try cursor.string().cut(to: Self.longestText))
            default: try cursor.skip()
            }
        }
        return .refused(plugin: plugin, stage: stage, text: text)
    }
}

extension WorkerEvent.Ended {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("slot", slot)
        writer.field("session", session.rawValue)
        writer.field("start_ms", startMs)
        writer.field("finish_ms", finishMs)
        writer.field("duration_ns", durationNs)
        writer.field("cycles", cycles)
        writer.field("good_cycles", goodCycles)
        writer.field("failures", failures)
        writer.field("missed", missed)
        writer.open("reason")
        reason.write(to: &writer)
        writer.close()
        writer.field("code", code)
        writer.open("stats")
        stats.write(to: &writer)
        writer.close()
        writer.field("disposition", disposition.rawValue)
        if let leftAloneNs { writer.field("left_alone_ns", leftAloneNs) }
        if let lastRunMs { writer.field("last_run_ms", lastRunMs) }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var ended = Self(
            slot: 0, session: SessionID(rawValue: 0), startMs: 0, finishMs: 0, durationNs: 0, cycles: 0,
            goodCycles: 0, failures: 0, missed: 0, reason: .init(named: ""), code: 0, stats: .init(),
            disposition: .policy)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "slot": ended.slot = try cursor.whole()
            case "session": ended.session = SessionID(rawValue: try cursor.unsigned())
            case "start_ms": ended.startMs = try cursor.signed()
            case "finish_ms": ended.finishMs = try cursor.signed()
            case "duration_ns": ended.durationNs = try cursor.signed()
            case "cycles": ended.cycles = try cursor.unsigned()
            case "good_cycles": ended.goodCycles = try cursor.unsigned()
            case "failures": ended.failures = try cursor.unsigned()
            case "missed": ended.missed = try cursor.unsigned()
            case "reason":
                ended.reason = try SessionRecord.Reason(from: &cursor)
                ended.reason.text = String(ended.reason.text.cut(to: WorkerEvent.longestText))
            case "left_alone_ns": ended.leftAloneNs = try cursor.signed()
            case "last_run_ms": ended.lastRunMs = try cursor.signed()
            case "code": ended.code = try cursor.whole()
            case "stats": ended.stats = try SessionRecord.Stats(from: &cursor)
            case "disposition":
                guard let disposition = Disposition(rawValue: try cursor.string()) else {
                    throw cursor.fault("a disposition before this")
                }
                ended.disposition = disposition
            default: try cursor.skip()
            }
        }
        self = ended
    }
}

extension WorkerEvent.Log {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("plugin", plugin)
        if let routine { writer.field("routine", routine) }
        writer.field("level", level)
        writer.field("text", text)
        writer.field("ms", ms)
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var log = Self(plugin: 0, routine: nil, level: 0, text: "", ms: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "plugin": log.plugin = try cursor.whole()
            case "routine": log.routine = try cursor.whole()
            case "level": log.level = try cursor.whole()
            case "text": log.text = try cursor.string()
            case "ms": log.ms = try cursor.signed()
            default: try cursor.skip()
            }
        }
        self = log
    }
}

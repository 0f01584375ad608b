internal import HostValues

/// The format on the channel: an object with a single field, which has the name of the command.
extension WorkerCommand {
    /// The command as one line of JSON, without the line break.
    public func line() -> [UInt8] {
        if case .store(let command) = self { return command.line() }
        var writer = JSONWriter()
        writer.open()
        switch self {
        case .seal(let key):
            writer.list("seal", numbers: [key.first, key.second])
        case .confine(let rules):
            writer.objects("confine", of: rules) { rule, writer in
                rule.write(to: &writer)
            }
        case .load(let load):
            writer.open("load")
            load.write(to: &writer)
            writer.close()
        case .start(let start):
            writer.open("start")
            start.write(to: &writer)
            writer.close()
        case .stop(let slot): writer.field("stop", slot)
        case .runNow(let slot): writer.field("run_now", slot)
        case .pause(let slot): writer.field("pause", slot)
        case .resume(let slot): writer.field("resume", slot)
        case .go(let slot, let number):
            writer.open("go")
            writer.field("slot", slot)
            writer.field("number", number)
            writer.close()
        case .history(let history):
            writer.open("history")
            history.write(to: &writer)
            writer.close()
        case .dropCached(let drop):
            writer.open("drop_cached")
            drop.write(to: &writer)
            writer.close()
        case .logLevel(let level): writer.field("log_level", level)
        case .share(let plugin): writer.field("share", plugin)
        case .store: break
        case .quit: writer.field("quit", true)
        }
        writer.close()
        return writer.bytes
    }

    /// Parses a line; nil if it is not a command. A missing field counts as zero.
    public init?(line: [UInt8]) {
        var cursor = JSONCursor(line, in: 0..<line.count)
        var command: WorkerCommand?
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "seal": command = try Self.seal(from: &cursor)
                case "confine": command = try Self.confine(from: &cursor)
                case "load": command = .load(try Load(from: &cursor))
                case "start": command = .start(try Start(from: &cursor))
                case "stop": command = .stop(slot: try cursor.whole())
                case "run_now": command = .runNow(slot: try cursor.whole())
                case "pause": command = .pause(slot: try cursor.whole())
                case "resume": command = .resume(slot: try cursor.whole())
                case "go": command = try Self.go(from: &cursor)
                case "share": command = .share(plugin: try cursor.whole())
                case "history": command = .history(try History(from: &cursor))
                case "drop_cached": command = .dropCached(try DropCached(from: &cursor))
                case "log_level": command = .logLevel(try cursor.whole())
                case "quit": command = try cursor.bool() ? .quit : nil
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let command = command ?? StoreCommand(line: line).map(WorkerCommand.store) else { return nil }
        self = command
    }

    private static func seal(from cursor: inout JSONCursor) throws(JSONFault) -> WorkerCommand? {
        var words: [UInt64] = []
        try cursor.list { (cursor) throws(JSONFault) in words.append(try cursor.unsigned()) }
        return words.count == 2 ? .seal(LedgerKey(first: words[0], second: words[1])) : nil
    }

    private static func confine(from cursor: inout JSONCursor) throws(JSONFault) -> WorkerCommand {
        var rules: [OwnRule] = []
        try cursor.list { (cursor) throws(JSONFault) in rules.append(try OwnRule(from: &cursor)) }
        return .confine(rules)
    }

    private static func go(from cursor: inout JSONCursor) throws(JSONFault) -> WorkerCommand {
        var (slot, number) = (0, UInt64(0))
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "slot": slot = try cursor.whole()
            case "number": number = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        return .go(slot: slot, number: number)
    }
}

extension WorkerCommand.Load {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("plugin", plugin)
        writer.field("path", path)
        writer.field("name", name)
        writer.field("instance", ifAny: instance)
        writer.field("parameters", parameters)
        writer.field("for_running", isForRunning)
        writer.field("in_shared_worker", isShared)
        writer.field("build", build)
        writer.field("caches", ifAny: caches?.path)
        writer.field("caches_of", ifAny: caches?.scope.rawValue)
        if caches != nil { cacheSettings.write(to: &writer) }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var load = Self(plugin: 0, path: "", name: "", parameters: "", isForRunning: false, build: "")
        var (caches, scope): (String?, Caches.Scope?)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "plugin": load.plugin = try cursor.whole()
            case "path": load.path = try cursor.string()
            case "name": load.name = try cursor.string()
            case "instance": load.instance = try cursor.string()
            case "parameters": load.parameters = try cursor.string()
            case "for_running": load.isForRunning = try cursor.bool()
            case "in_shared_worker": load.isShared = try cursor.bool()
            case "build": load.build = try cursor.string()
            case "caches": caches = try cursor.string()
            case "caches_of": scope = Caches.Scope(rawValue: try cursor.string())
            default: if try !load.cacheSettings.read(name, from: &cursor) { try cursor.skip() }
            }
        }
        if let caches { load.caches = Caches(caches, scope ?? .all) }
        self = load
    }
}

extension WorkerCommand.History {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("slot", slot)
        writer.field("session", session.rawValue)
        writer.list("past", of: past) { $0.write(to: &$1) }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var history = Self(slot: 0, session: SessionID(rawValue: 0), past: [])
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "slot": history.slot = try cursor.whole()
            case "session": history.session = SessionID(rawValue: try cursor.unsigned())
            case "past":
                try cursor.list { (cursor) throws(JSONFault) in
                    let past = try EndedSession(from: &cursor)
                    if history.past.count < EndedSession.most { history.past.append(past) }
                }
            default: try cursor.skip()
            }
        }
        self = history
    }
}

extension WorkerCommand.DropCached {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("plugin", plugin)
        writer.field("routine", routine)
        writer.field("name", ifAny: name)
        writer.field("key", ifAny: key)
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var drop = Self(plugin: 0, routine: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "plugin": drop.plugin = try cursor.whole()
            case "routine": drop.routine = try cursor.whole()
            case "name": drop.name = try cursor.string()
            case "key": drop.key = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = drop
    }
}

extension WorkerCommand.Start {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("slot", slot)
        writer.field("plugin", plugin)
        writer.field("routine", routine)
        writer.field("session", session.rawValue)
        writer.field("wait_ms", waitMs)
        writer.field("max_cycles", maxCycles)
        if let untilMs { writer.field("until_ms", untilMs) }
        writer.field("on_error", onError.decision.rawValue)
        writer.field("retry_ms", onError.retryMs)
        writer.field("attempts", onError.attempts)
        writer.field("lifetime_cycles", lifetimeCycles)
        writer.field("before", before)
        writer.field("parameters", parameters)
        writer.field("paused", isPaused)
        caches.write(to: &writer)
        if timeoutMs != 0 { writer.field("timeout_ms", timeoutMs) }
        if takesTurns { writer.field("takes_turns", true) }
        if let leaseToken { writer.field("lease_token", leaseToken) }
        if let shard {
            writer.field("shard", shard.index)
            writer.field("shards", shard.count)
        }
        if timing != RoutineTiming() {
            writer.open("timing")
            timing.write(to: &writer)
            writer.close()
        }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var start = Self(
            slot: 0, plugin: 0, routine: 0, session: SessionID(rawValue: 0), waitMs: 0, maxCycles: 0, untilMs: nil,
            onError: ErrorDefault(), lifetimeCycles: 0, before: 0, parameters: "", isPaused: false)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "slot": start.slot = try cursor.whole()
            case "plugin": start.plugin = try cursor.whole()
            case "routine": start.routine = try cursor.whole()
            case "session": start.session = SessionID(rawValue: try cursor.unsigned())
            case "wait_ms": start.waitMs = try cursor.unsigned()
            case "max_cycles": start.maxCycles = try cursor.unsigned()
            case "until_ms": start.untilMs = try cursor.signed()
            case "on_error":
                guard let decision = ErrorAction(rawValue: try cursor.string()) else {
                    throw cursor.fault("a decision before this")
                }
                start.onError.decision = decision
            case "retry_ms": start.onError.retryMs = try cursor.unsigned()
            case "attempts": start.onError.attempts = try cursor.whole()
            case "lifetime_cycles": start.lifetimeCycles = try cursor.unsigned()
            case "before": start.before = try cursor.whole()
            case "parameters": start.parameters = try cursor.string()
            case "paused": start.isPaused = try cursor.bool()
            case "timeout_ms": start.timeoutMs = try cursor.unsigned()
            case "lease_token": start.leaseToken = try cursor.unsigned()
            case "shard": start.shard = RoutineShard(try cursor.whole(), of: start.shard?.count ?? 1)
            case "shards": start.shard = RoutineShard(start.shard?.index ?? 0, of: try cursor.whole())
            case "takes_turns": start.takesTurns = try cursor.bool()
            case "timing": start.timing = try RoutineTiming(from: &cursor)
            default: if try !start.caches.read(name, from: &cursor) { try cursor.skip() }
            }
        }
        self = start
    }
}

extension RoutineTiming {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.list("schedules", texts: schedules)
        writer.field("zone", ifAny: zone)
        writer.field("dst", dst.rawValue)
        writer.field("deadline_ms", deadlineMs)
        writer.field("jitter_ms", jitterMs)
        writer.field("catch_up", catchUp.rawValue)
        writer.field("align", aligns)
        writer.field("align_offset_ms", alignOffsetMs)
        writer.field("first", ifAny: first?.rawValue)
        if let lastRunMs { writer.field("last_run_ms", lastRunMs) }
        if let firstSeenMs { writer.field("first_seen_ms", firstSeenMs) }
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var timing = Self()
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "schedules":
                try cursor.list { (cursor) throws(JSONFault) in timing.schedules.append(try cursor.string()) }
            case "zone": timing.zone = try cursor.string()
            case "dst": timing.dst = try cursor.word()
            case "deadline_ms": timing.deadlineMs = try cursor.signed()
            case "jitter_ms": timing.jitterMs = try cursor.signed()
            case "catch_up": timing.catchUp = try cursor.word()
            case "align": timing.aligns = try cursor.bool()
            case "align_offset_ms": timing.alignOffsetMs = try cursor.signed()
            case "first": timing.first = try cursor.word()
            case "last_run_ms": timing.lastRunMs = try cursor.signed()
            case "first_seen_ms": timing.firstSeenMs = try cursor.signed()
            default: try cursor.skip()
            }
        }
        self = timing
    }
}

extension JSONWriter {
    /// Writes a text field if there is a text.
    mutating func field(_ name: String, ifAny text: String?) {
        if let text { field(name, text) }
    }
}

extension JSONCursor {
    /// Reads a string that must be a raw value of the type.
    mutating func word<Word: RawRepresentable>() throws(JSONFault) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try string()) else { throw fault("a word that is known before this") }
        return word
    }

    /// Reads a whole number that must fit into the type.
    mutating func whole<Number: FixedWidthInteger>() throws(JSONFault) -> Number {
        guard let value = Number(exactly: try signed()) else { throw fault("a smaller number before this") }
        return value
    }
}

extension CacheSettings {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("durability", durability.rawValue)
        writer.field("disk_files", diskFiles)
        writer.field("disk_mb", diskMb)
        let usual = CacheSettings()
        if sharing != usual.sharing { writer.field("shared", sharing.rawValue) }
        if sharedTimeoutMs != usual.sharedTimeoutMs { writer.field("shared_timeout_ms", sharedTimeoutMs) }
    }

    /// Reads the field of that name; false if it is none of these.
    fileprivate mutating func read(_ name: String, from cursor: inout JSONCursor) throws(JSONFault) -> Bool {
        switch name {
        case "durability":
            guard let word = CacheDurability(rawValue: try cursor.string()) else {
                throw cursor.fault("a durability before this")
            }
            durability = word
        case "disk_files": diskFiles = try cursor.unsigned()
        case "disk_mb": diskMb = try cursor.unsigned()
        case "shared": sharing = CacheSharing(rawValue: try cursor.string()) ?? .off
        case "shared_timeout_ms": sharedTimeoutMs = try cursor.unsigned()
        default: return false
        }
        return true
    }
}

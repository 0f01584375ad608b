public import HostValues

/// A session that has begun and has no record yet. A host that starts after one that was killed makes the session's
/// record from it.
public struct OpenSession: Equatable, Sendable {
    /// The session's id.
    public var session: SessionID
    /// The plugin's id.
    public var plugin: String
    /// The plugin's version.
    public var version: String
    /// The plugin's build id.
    public var build: String
    /// The routine's name.
    public var routine: String
    /// The pid of its worker.
    public var pid: Int32
    /// When it began, in ms since 1970, UTC.
    public var startMs: Int64
    /// The id of the boot in which it began.
    public var boot: String
    /// When it began, by the boot clock.
    public var startBoot: BootTime
    /// The name of the worker's ledger in `ledgers/`.
    public var ledger: String
    /// The session's slot in the ledger.
    public var slot: Int
    /// The token of its lease; nil if it has none.
    public var leaseToken: UInt64?
    /// Which part of the routine's work it has; nil: all of it.
    public var shard: RoutineShard?

    /// Makes an open session from its parts.
    public init(
        session: SessionID, plugin: String, version: String, build: String, routine: String, pid: Int32,
        startMs: Int64, boot: String, startBoot: BootTime, ledger: String, slot: Int,
        leaseToken: UInt64? = nil, shard: RoutineShard? = nil
    ) {
        self.session = session
        self.plugin = plugin
        self.version = version
        self.build = build
        self.routine = routine
        self.pid = pid
        self.startMs = startMs
        self.boot = boot
        self.startBoot = startBoot
        self.ledger = ledger
        self.slot = slot
        self.leaseToken = leaseToken
        self.shard = shard
    }

    /// The session as one line of JSON, without the line break.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("session", session.description)
        writer.field("plugin", plugin)
        writer.field("version", version)
        writer.field("build", build)
        writer.field("routine", routine)
        writer.field("pid", pid)
        writer.field("startMs", startMs)
        writer.field("boot", boot)
        writer.field("startBoot", startBoot.nanoseconds)
        writer.field("ledger", ledger)
        writer.field("slot", slot)
        if let leaseToken { writer.field("token", leaseToken) }
        if let shard {
            writer.field("shard", shard.index)
            writer.field("shards", shard.count)
        }
        writer.close()
        return writer.bytes
    }

    /// Parses a line; nil if it is malformed or lacks a field. Unknown fields are ignored.
    public init?(line: [UInt8]) {
        var texts: [String: String] = [:]
        var numbers: [String: Int64] = [:]
        var token: UInt64?
        do throws(JSONFault) {
            var cursor = JSONCursor(line, in: 0..<line.count)
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "session", "plugin", "version", "build", "routine", "boot", "ledger":
                    texts[name] = try cursor.string()
                case "pid", "startMs", "startBoot", "slot", "shard", "shards": numbers[name] = try cursor.signed()
                case "token": token = try cursor.unsigned()
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let session = texts["session"].flatMap({ SessionID($0) }), let plugin = texts["plugin"],
            let version = texts["version"], let build = texts["build"], let routine = texts["routine"],
            let boot = texts["boot"], let ledger = texts["ledger"],
            let pid = numbers["pid"].flatMap({ Int32(exactly: $0) }), let startMs = numbers["startMs"],
            let startBoot = numbers["startBoot"], let slot = numbers["slot"]
        else { return nil }
        self.init(
            session: session, plugin: plugin, version: version, build: build, routine: routine, pid: pid,
            startMs: startMs, boot: boot, startBoot: BootTime(nanoseconds: startBoot), ledger: ledger, slot: Int(slot),
            leaseToken: token)
        if let index = numbers["shard"], let count = numbers["shards"] {
            shard = RoutineShard(Int(clamping: index), of: Int(clamping: count))
        }
    }
}

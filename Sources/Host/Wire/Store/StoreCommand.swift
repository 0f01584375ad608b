public import HostValues

/// What the supervisor tells a store worker, as lines on its channel.
public enum StoreCommand: Equatable, Sendable {
    /// Connect to the store, or close the connection and connect again. All keys get the prefix in front; each call to
    /// the store may take `timeoutMs`.
    case open(prefix: String, timeoutMs: UInt64)
    /// Perform this request, and answer it with that number.
    case ask(UInt64, StoreRequest)
    /// Serve the shared caches of a worker by the descriptor that comes with this.
    case share(SharedAccess)
}

/// What a worker may reach in a store by one connection: the shared caches of its plugin.
public struct SharedAccess: Equatable, Sendable {
    /// What is in front of all keys of the cluster.
    public var prefix: String
    /// The plugin, with its instance.
    public var plugin: String
    /// The routine, if the worker has this one only.
    public var routine: String?
    /// How many connections to the store all shared caches have together.
    public var links: Int
    /// How long a call to the store may take, in ms.
    public var timeoutMs: UInt64

    /// Makes an access from its parts.
    public init(prefix: String, plugin: String, routine: String?, links: Int, timeoutMs: UInt64) {
        self.prefix = prefix
        self.plugin = plugin
        self.routine = routine
        self.links = links
        self.timeoutMs = timeoutMs
    }
}

extension StoreCommand {
    /// The command as one line of JSON, without the line break.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        switch self {
        case .open(let prefix, let timeout):
            writer.open("store_open")
            writer.field("prefix", prefix)
            writer.field("timeout_ms", timeout)
            writer.close()
        case .ask(let id, let request):
            writer.open("store")
            writer.field("id", id)
            request.write(to: &writer)
            writer.close()
        case .share(let access):
            writer.open("store_share")
            writer.field("prefix", access.prefix)
            writer.field("plugin", access.plugin)
            if let routine = access.routine { writer.field("routine", routine) }
            writer.field("links", access.links)
            writer.field("timeout_ms", access.timeoutMs)
            writer.close()
        }
        writer.close()
        return writer.bytes
    }

    /// Reads a line; nil if it is no such command, or incomplete.
    public init?(line: [UInt8]) {
        var cursor = JSONCursor(line, in: 0..<line.count)
        var command: StoreCommand?
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "store_open": command = try Self.open(from: &cursor)
                case "store": command = try Self.ask(from: &cursor)
                case "store_share": command = try Self.share(from: &cursor)
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let command else { return nil }
        self = command
    }

    private static func open(from cursor: inout JSONCursor) throws(JSONFault) -> StoreCommand {
        var prefix: String?
        var timeout: UInt64?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "prefix": prefix = try cursor.string()
            case "timeout_ms": timeout = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        guard let prefix, let timeout else { throw cursor.fault("a prefix and a timeout before this") }
        return .open(prefix: prefix, timeoutMs: timeout)
    }

    private static func share(from cursor: inout JSONCursor) throws(JSONFault) -> StoreCommand {
        var access = SharedAccess(prefix: "", plugin: "", routine: nil, links: 1, timeoutMs: 250)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "prefix": access.prefix = try cursor.string()
            case "plugin": access.plugin = try cursor.string()
            case "routine": access.routine = try cursor.string()
            case "links": access.links = try cursor.whole()
            case "timeout_ms": access.timeoutMs = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        guard !access.plugin.isEmpty else { throw cursor.fault("a plugin before this") }
        return .share(access)
    }

    private static func ask(from cursor: inout JSONCursor) throws(JSONFault) -> StoreCommand {
        var id: UInt64?
        var request = StoreRequest()
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": id = try cursor.unsigned()
            case "if":
                try cursor.list { (cursor) throws(JSONFault) in
                    let field = try StoreField(from: &cursor)
                    guard let version = field.version else { throw cursor.fault("a version before this") }
                    request.conditions.append(.init(field.key, version))
                }
            case "put":
                try cursor.list { (cursor) throws(JSONFault) in
                    let field = try StoreField(from: &cursor)
                    guard let value = field.value else { throw cursor.fault("a value before this") }
                    request.puts.append(.init(field.key, Array(value.utf8)))
                }
            case "del": try cursor.list { (cursor) throws(JSONFault) in request.deletes.append(try cursor.string()) }
            case "read": try cursor.list { (cursor) throws(JSONFault) in request.reads.append(try cursor.string()) }
            case "list": try cursor.list { (cursor) throws(JSONFault) in request.lists.append(try cursor.string()) }
            default: try cursor.skip()
            }
        }
        guard let id else { throw cursor.fault("an id before this") }
        return .ask(id, request)
    }
}

extension StoreRequest {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.openList("if")
        for condition in conditions { StoreField(key: condition.key, version: condition.version).write(to: &writer) }
        writer.closeList()
        writer.openList("put")
        for put in puts {
            StoreField(key: put.key, value: String(decoding: put.value, as: UTF8.self)).write(to: &writer)
        }
        writer.closeList()
        for (name, keys) in [("del", deletes), ("read", reads), ("list", lists)] {
            writer.openList(name)
            for key in keys { writer.item(text: key) }
            writer.closeList()
        }
    }
}

/// A key with what is said of it: its version, its value, or both.
struct StoreField {
    var key: String
    var version: UInt64?
    var value: String?

    init(key: String, version: UInt64? = nil, value: String? = nil) {
        self.key = key
        self.version = version
        self.value = value
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var found: (key: String?, version: UInt64?, value: String?) = (nil, nil, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "key": found.key = try cursor.string()
            case "version": found.version = try cursor.unsigned()
            case "value": found.value = try cursor.string()
            default: try cursor.skip()
            }
        }
        guard let key = found.key, !key.isEmpty else { throw cursor.fault("a key before this") }
        self.init(key: key, version: found.version, value: found.value)
    }

    func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("key", key)
        if let version { writer.field("version", version) }
        if let value { writer.field("value", value) }
        writer.close()
    }
}

public import HostValues

/// What the supervisor tells a store worker, as lines on its channel.
public enum StoreCommand: Equatable, Sendable {
    /// Connect to the store, or close the connection and connect again. All keys get the prefix in front; each call to
    /// the store may take `timeoutMs`.
    case open(prefix: String, timeoutMs: UInt64)
    /// Perform this request, and answer it with that number.
    case ask(UInt64, StoreRequest)
    /// Perform this request on a connection of its own, so that no lease waits for it, and answer it with that number. Keys
    /// get the prefix in front; the request may take `timeoutMs`.
    case consult(UInt64, StoreRequest, prefix: String, timeoutMs: UInt64)
    /// Remove those values of shared caches, and the records of their loads, on the connection for people; tell that number when
    /// it is done. Each call to the store may take `timeoutMs`.
    case clear(UInt64, SharedSelection, prefix: String, timeoutMs: UInt64)
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
    /// The worker, by a number that no other one of this host has; nil: nobody knows. It has one connection for a plugin.
    public var worker: Int?
    /// How many connections to the store all shared caches have together.
    public var links: Int
    /// How long a call to the store may take, in ms.
    public var timeoutMs: UInt64
    /// How many values of the plugin this host may keep in the store.
    public var mostKeys: Int
    /// How many bytes these may have.
    public var mostBytes: Int

    /// Makes an access from its parts.
    public init(
        prefix: String, plugin: String, routine: String?, worker: Int? = nil, links: Int, timeoutMs: UInt64,
        mostKeys: Int = 10_000, mostBytes: Int = 256 << 20
    ) {
        self.prefix = prefix
        self.plugin = plugin
        self.routine = routine
        self.worker = worker
        self.links = links
        self.timeoutMs = timeoutMs
        self.mostKeys = mostKeys
        self.mostBytes = mostBytes
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
        case .consult(let id, let request, let prefix, let timeout):
            writer.open("store_consult")
            writer.field("prefix", prefix)
            writer.field("timeout_ms", timeout)
            writer.field("id", id)
            request.write(to: &writer)
            writer.close()
        case .share(let access):
            writer.open("store_share")
            writer.field("prefix", access.prefix)
            writer.field("plugin", access.plugin)
            if let routine = access.routine { writer.field("routine", routine) }
            if let worker = access.worker { writer.field("worker", worker) }
            writer.field("links", access.links)
            writer.field("timeout_ms", access.timeoutMs)
            writer.field("most_keys", access.mostKeys)
            writer.field("most_bytes", access.mostBytes)
            writer.close()
        case .clear(let id, let selection, let prefix, let timeout):
            writer.open("store_clear")
            writer.field("prefix", prefix)
            writer.field("timeout_ms", timeout)
            writer.field("id", id)
            selection.write(to: &writer)
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
                case "store":
                    let asked = try Asked(from: &cursor)
                    command = .ask(asked.id, asked.request)
                case "store_consult":
                    let asked = try Asked(from: &cursor)
                    guard let prefix = asked.prefix, let timeout = asked.timeoutMs else {
                        throw cursor.fault("a prefix and a timeout before this")
                    }
                    command = .consult(asked.id, asked.request, prefix: prefix, timeoutMs: timeout)
                case "store_clear":
                    let asked = try Asked(from: &cursor)
                    guard let prefix = asked.prefix, let timeout = asked.timeoutMs else {
                        throw cursor.fault("a prefix and a timeout before this")
                    }
                    command = .clear(asked.id, asked.selection, prefix: prefix, timeoutMs: timeout)
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
            case "worker": access.worker = try cursor.whole()
            case "links": access.links = try cursor.whole()
            case "timeout_ms": access.timeoutMs = try cursor.unsigned()
            case "most_keys": access.mostKeys = try cursor.whole()
            case "most_bytes": access.mostBytes = try cursor.whole()
            default: try cursor.skip()
            }
        }
        guard !access.plugin.isEmpty else { throw cursor.fault("a plugin before this") }
        return .share(access)
    }
}

/// A request with its number, as it is written; and the prefix and the timeout, where they are its own.
private struct Asked {
    let id: UInt64
    var request = StoreRequest()
    var selection = SharedSelection(starts: [])
    var prefix: String?
    var timeoutMs: UInt64?

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var id: UInt64?
        var request = StoreRequest()
        var selection = SharedSelection(starts: [])
        var link: (prefix: String?, timeoutMs: UInt64?) = (nil, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": id = try cursor.unsigned()
            case "prefix": link.prefix = try cursor.string()
            case "timeout_ms": link.timeoutMs = try cursor.unsigned()
            case "starts":
                try cursor.list { (cursor) throws(JSONFault) in selection.starts.append(try cursor.string()) }
            case "key": selection.key = try cursor.string()
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
                    request.puts.append(.init(field.key, Array(value.utf8), keepMs: field.keepMs ?? 0))
                }
            case "del": try cursor.list { (cursor) throws(JSONFault) in request.deletes.append(try cursor.string()) }
            case "read": try cursor.list { (cursor) throws(JSONFault) in request.reads.append(try cursor.string()) }
            case "list": try cursor.list { (cursor) throws(JSONFault) in request.lists.append(try cursor.string()) }
            default: try cursor.skip()
            }
        }
        guard let id else { throw cursor.fault("an id before this") }
        self.id = id
        self.request = request
        self.selection = selection
        (prefix, timeoutMs) = link
    }
}

extension StoreRequest {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.list("if", of: conditions) { StoreField(key: $0.key, version: $0.version).write(to: &$1) }
        writer.list("put", of: puts) { put, writer in
            StoreField(
                key: put.key, value: String(decoding: put.value, as: UTF8.self),
                keepMs: put.keepMs == 0 ? nil : put.keepMs
            ).write(to: &writer)
        }
        for (name, keys) in [("del", deletes), ("read", reads), ("list", lists)] {
            writer.list(name, texts: keys)
        }
    }
}

/// A key with what is said of it: its version, its value and how long that is kept.
struct StoreField {
    var key: String
    var version: UInt64?
    var value: String?
    var keepMs: UInt64?

    init(key: String, version: UInt64? = nil, value: String? = nil, keepMs: UInt64? = nil) {
        self.key = key
        self.version = version
        self.value = value
        self.keepMs = keepMs
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var found: (key: String?, version: UInt64?, value: String?, keepMs: UInt64?) = (nil, nil, nil, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "key": found.key = try cursor.string()
            case "version": found.version = try cursor.unsigned()
            case "value": found.value = try cursor.string()
            case "keep_ms": found.keepMs = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        guard let key = found.key, !key.isEmpty else { throw cursor.fault("a key before this") }
        self.init(key: key, version: found.version, value: found.value, keepMs: found.keepMs)
    }

    func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("key", key)
        if let version { writer.field("version", version) }
        if let value { writer.field("value", value) }
        if let keepMs { writer.field("keep_ms", keepMs) }
        writer.close()
    }
}

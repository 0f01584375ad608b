public import HostValues

/// A request to a running host on its control socket: one JSON object a line.
///
///     {"v":1,"request":"status"}
///     {"v":1,"request":"pause","ids":["market-poller/snapshot","log-tail"]}
///     {"v":1,"request":"log-level","level":"debug"}
///     {"v":1,"request":"logs","ids":["market-poller"],"last":100,"level":"info"}
///     {"v":1,"request":"drop-cached","ids":["market-poller"],"name":"quotes","key":"EUR"}
///     {"v":1,"request":"move","ids":["market-poller/snapshot"],"to":"web-2"}
///     {"v":1,"request":"fleet","last":100}
///
/// The host answers each request with one line, in the order of the requests: see `ControlResponse`.
public struct ControlRequest: Equatable, Sendable {
    /// The kinds of request.
    public enum Action: String, CaseIterable, Sendable {
        case status
        case runNow = "run-now"
        case pause, resume, restart, stop, reload
        case logLevel = "log-level"
        case dropCached = "drop-cached"
        case clearShared = "clear-shared"
        case logs
        case drain, undrain, move
        case fleet

        /// Whether the request requires ids of routines or plugins.
        public var wantsIdentifiers: Bool {
            switch self {
            case .runNow, .pause, .resume, .restart, .stop, .move: true
            case .status, .reload, .logLevel, .dropCached, .logs, .drain, .undrain, .fleet, .clearShared: false
            }
        }
    }

    /// The version of the protocol.
    public static let version: UInt64 = 1
    /// The maximum length of a request in bytes.
    public static let longest = 64 << 10

    /// The kind of request.
    public var action: Action
    /// The ids that the request refers to: `plugin/routine`, or `plugin` for all its routines.
    public var identifiers: [String]
    /// For `logLevel` the new level; nil queries the current one. For `logs` the lowest level of the lines.
    public var level: LogLevel?
    /// For `dropCached` and `clearShared` the name of the cache; nil selects all caches of the routines.
    public var name: String?
    /// For both the key, empty for the unkeyed value; nil selects all keys.
    public var key: String?

    /// For `move` the host that is to have the leases, by its name or by how its id begins; nil: any.
    public var heir: String?

    /// The maximum number of records in one answer to `fleet`.
    public static let mostFleetRecords: UInt64 = 1000
    /// The maximum number of lines in one answer to `logs`.
    public static let mostLines: UInt64 = 2000
    /// For `logs` the number of lines: the newest ones, or the first ones past `after`. For `fleet` the number of the newest
    /// records; nil: none.
    public var last: UInt64?
    /// For `logs` the number of the last line that the client already has. For `fleet` the number of the reading whose end
    /// the client awaits; 0: it takes what there is, however old; nil: the store is to be read. For `clearShared` the number of a
    /// removal that has begun; nil: one is to begin.
    public var after: UInt64?

    /// Creates a request.
    public init(
        _ action: Action, identifiers: [String] = [], level: LogLevel? = nil, name: String? = nil, key: String? = nil
    ) {
        self.action = action
        self.identifiers = identifiers
        self.level = level
        self.name = name
        self.key = key
    }

    /// The reason why a line could not be read as a request.
    public struct Malformed: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong, and what is allowed.
        public let description: String
    }

    /// The request as a line, including its line break.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("v", Self.version)
        writer.field("request", action.rawValue)
        if !identifiers.isEmpty {
            writer.list("ids", texts: identifiers)
        }
        if let level { writer.field("level", level.rawValue) }
        writer.field("name", ifAny: self.name)
        writer.field("key", ifAny: key)
        writer.field("to", ifAny: heir)
        if let last { writer.field("last", last) }
        if let after { writer.field("after", after) }
        writer.close()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// Parses a line without its line break. Unknown fields are skipped; an unknown request or version is an error.
    public init(line: [UInt8]) throws(Malformed) {
        var version: UInt64?
        var name: String?
        var level: String?
        var cache: (name: String?, key: String?)
        var lines: (last: UInt64?, after: UInt64?)
        var identifiers: [String] = []
        var heir: String?
        do throws(JSONFault) {
            var cursor = JSONCursor(line, in: 0..<line.count)
            try cursor.object { (cursor, field) throws(JSONFault) in
                switch field {
                case "v": version = try cursor.unsigned()
                case "request": name = try cursor.string()
                case "level": level = try cursor.string()
                case "name": cache.name = try cursor.string()
                case "key": cache.key = try cursor.string()
                case "to": heir = try cursor.string()
                case "last": lines.last = try cursor.unsigned()
                case "after": lines.after = try cursor.unsigned()
                case "ids": try cursor.list { (cursor) throws(JSONFault) in identifiers.append(try cursor.string()) }
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            throw Malformed(description: "no JSON object: \(error)")
        }
        guard version == Self.version else { throw Malformed(description: "v: this host speaks version 1 only") }
        guard let name else { throw Malformed(description: "request: is missing") }
        guard let action = Action(rawValue: name) else {
            let suggestion = Spelling.suggestion(for: name, in: Action.allCases.map(\.rawValue))
            throw Malformed(description: "request: \(Spelling.quoted(name)) is not known\(suggestion)")
        }
        if action.wantsIdentifiers, identifiers.isEmpty { throw Malformed(description: "ids: is missing or empty") }
        self.init(action, identifiers: identifiers, name: cache.name, key: cache.key)
        (last, after) = lines
        self.heir = heir
        if let level {
            guard let known = LogLevel(rawValue: level) else {
                let words = LogLevel.allCases.map(\.rawValue)
                throw Malformed(
                    description: "level: \(Spelling.quoted(level)) is not \(Spelling.choice(words))")
            }
            self.level = known
        }
    }
}

extension ControlRequest {
    /// Creates a request for the log lines that `query` selects, of the given ids, or if there are none of the whole
    /// host.
    public init(_ query: LogQuery, identifiers: [String]) {
        self.init(.logs, identifiers: identifiers, level: query.level)
        last = UInt64(query.last)
        after = query.after
    }

    /// The query of a `logs` request, with the number of lines clamped to 1 through `mostLines`.
    public var query: LogQuery {
        var query = LogQuery()
        query.last = Int(min(max(last ?? UInt64(query.last), 1), Self.mostLines))
        query.after = after ?? 0
        query.level = level ?? query.level
        return query
    }
}

public import HostValues

/// An answer of a host on its control socket: one JSON object a line.
///
///     {"v":1,"ok":true,"status":{…}}
///     {"v":1,"ok":true,"outcomes":[{"id":"log-tail/lines","done":true,"text":"paused"}]}
///     {"v":1,"ok":true,"level":"debug"}
///     {"v":1,"ok":true,"lines":[{"n":7,"i":2,"ms":1767268800000,"level":"info","subject":"log-tail/lines","text":"…"}]}
///     {"v":1,"ok":true,"fleet":{"reading":7}}
///     {"v":1,"ok":true,"clear_shared":{"removed":12}}
///     {"v":1,"ok":false,"error":"…"}
public enum ControlResponse: Equatable, Sendable {
    case status(HostStatus)
    case outcomes([Outcome])
    case level(LogLevel)
    /// Lines of the log, in order.
    case lines([LogLine])
    /// What all hosts of a cluster run.
    case fleet(FleetAnswer)
    /// What came of removing values from the store of shared caches; nil: the host is in no cluster.
    case clearShared(SharedClearAnswer?)
    case failed(String)

    /// What a request did to one routine, or to the host if the id is empty.
    public struct Outcome: Equatable, Sendable {
        /// `plugin/routine`.
        public var id: String
        /// Whether the request is done or under way.
        public var isDone: Bool
        /// An explanation in a few words.
        public var text: String

        /// Creates an outcome.
        public init(id: String, isDone: Bool, text: String) {
            self.id = id
            self.isDone = isDone
            self.text = text
        }
    }

    /// The answer as a line, including its line break.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("v", ControlRequest.version)
        switch self {
        case .status(let status):
            writer.field("ok", true)
            writer.field("status", json: status.json())
        case .outcomes(let outcomes):
            writer.field("ok", outcomes.allSatisfy(\.isDone))
            writer.objects("outcomes", of: outcomes) { outcome, writer in
                writer.field("id", outcome.id)
                writer.field("done", outcome.isDone)
                writer.field("text", outcome.text)
            }
        case .level(let level):
            writer.field("ok", true)
            writer.field("level", level.rawValue)
        case .lines(let lines):
            writer.field("ok", true)
            writer.list("lines", of: lines) { $0.write(to: &$1, isNumbered: true) }
        case .fleet(let answer):
            writer.field("ok", true)
            writer.open("fleet")
            answer.write(to: &writer)
            writer.close()
        case .clearShared(let answer):
            writer.field("ok", true)
            writer.open("clear_shared")
            if let answer { answer.write(to: &writer) } else { writer.field("cluster", false) }
            writer.close()
        case .failed(let text):
            writer.field("ok", false)
            writer.field("error", text, limit: 4096)
        }
        writer.close()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// Parses a line; nil if it is not an answer of this version.
    public init?(line: [UInt8]) {
        var version: UInt64?
        var response: ControlResponse?
        do throws(JSONFault) {
            var cursor = JSONCursor(line, in: 0..<line.count)
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "v": version = try cursor.unsigned()
                case "status": response = .status(try HostStatus(from: &cursor))
                case "clear_shared": response = .clearShared(try Self.cleared(from: &cursor))
                case "fleet": response = .fleet(try FleetAnswer(from: &cursor))
                case "error": response = .failed(try cursor.string())
                case "level": response = LogLevel(rawValue: try cursor.string()).map { .level($0) }
                case "lines":
                    var lines: [LogLine] = []
                    try cursor.list { (cursor) throws(JSONFault) in lines.append(try LogLine(from: &cursor)) }
                    response = .lines(lines)
                case "outcomes":
                    var outcomes: [Outcome] = []
                    try cursor.list { (cursor) throws(JSONFault) in outcomes.append(try Outcome(from: &cursor)) }
                    response = .outcomes(outcomes)
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard version == ControlRequest.version, let response else { return nil }
        self = response
    }
}

extension ControlResponse {
    private static func cleared(from cursor: inout JSONCursor) throws(JSONFault) -> SharedClearAnswer? {
        let start = cursor
        var isInCluster = true
        try cursor.object { (cursor, name) throws(JSONFault) in
            if name == "cluster" { isInCluster = try cursor.bool() } else { try cursor.skip() }
        }
        guard isInCluster else { return nil }
        cursor = start
        return try SharedClearAnswer(from: &cursor)
    }
}

extension ControlResponse.Outcome {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var outcome = ControlResponse.Outcome(id: "", isDone: false, text: "")
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": outcome.id = try cursor.string()
            case "done": outcome.isDone = try cursor.bool()
            case "text": outcome.text = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = outcome
    }
}

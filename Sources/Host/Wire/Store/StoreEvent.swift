public import HostValues

/// What a store worker tells the supervisor, as lines on its channel.
public enum StoreEvent: Equatable, Sendable {
    /// It is connected.
    case up(StoreLink)
    /// It is not connected any more, or cannot connect, for this reason. It goes on trying.
    case down(String)
    /// The answer to the request of that number.
    case stored(UInt64, StoreAnswer)
    /// The answer to the request of that number on the connection for people.
    case consulted(UInt64, StoreAnswer)
    /// What was to be removed, by the command of that number, is gone: so many values; or what has hindered that.
    case cleared(UInt64, removed: UInt64, trouble: String?)
    /// Somebody has changed these keys. Some changes may not be told.
    case changed([String])
    /// What caches have asked of the store since this was told last.
    case used([StoreUse])

    /// The longest line, in bytes: an answer brings back what fits in it (`AnswerRoom`). Some 50 000 claims do.
    public static let longestLine = 16 << 20
    /// The longest line of an answer to what people ask, in bytes: the supervisor reads it while others wait.
    public static let longestConsultation = 1 << 20
    /// The longest value that is told, in bytes. A store worker cuts longer ones to one byte more: no record is that long.
    public static let longestValue = 4096
    /// The longest key that is told, in bytes.
    private static let longestKey = 1024
    /// The longest name of an instance, in bytes.
    private static let longestInstance = 256
    private static let longestText = 1000
}

extension StoreEvent {
    /// The event as one line of JSON, without the line break.
    public func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        switch self {
        case .up(let link):
            writer.open("store_up")
            writer.field("instance", link.instance)
            writer.field("most", link.most)
            writer.close()
        case .down(let text):
            writer.open("store_down")
            writer.field("text", text, limit: Self.longestText)
            writer.close()
        case .stored(let id, let answer), .consulted(let id, let answer):
            if case .stored = self { writer.open("stored") } else { writer.open("consulted") }
            writer.field("id", id)
            answer.write(to: &writer)
            writer.close()
        case .cleared(let id, let removed, let trouble):
            writer.open("cleared")
            writer.field("id", id)
            writer.field("removed", removed)
            if let trouble { writer.field("trouble", trouble, limit: Self.longestText) }
            writer.close()
        case .changed(let keys):
            writer.list("changed", texts: keys)
        case .used(let uses):
            writer.list("used", of: uses) { $0.write(to: &$1) }
        }
        writer.close()
        return writer.bytes
    }

    /// Reads a line; nil if it is no such event, incomplete, or has a value that cannot be. What it contains comes from
    /// the store and from a plugin: nothing that is read here is believed further than its form.
    public init?(line: [UInt8]) {
        var cursor = JSONCursor(line, in: 0..<line.count)
        var event: StoreEvent?
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                guard event == nil else { throw cursor.fault("one event in a line") }
                switch name {
                case "store_up": event = try Self.up(from: &cursor)
                case "store_down": event = try Self.down(from: &cursor)
                case "stored":
                    let (id, answer) = try Self.answer(from: &cursor)
                    event = .stored(id, answer)
                case "cleared": event = try Self.cleared(from: &cursor)
                case "consulted":
                    let (id, answer) = try Self.answer(from: &cursor)
                    event = .consulted(id, answer)
                case "changed":
                    var keys: [String] = []
                    try cursor.list { (cursor) throws(JSONFault) in keys.append(try cursor.text(most: Self.longestKey))
                    }
                    event = .changed(keys)
                case "used":
                    var uses: [StoreUse] = []
                    try cursor.list { (cursor) throws(JSONFault) in uses.append(try StoreUse(from: &cursor)) }
                    event = .used(uses)
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard let event else { return nil }
        self = event
    }

    private static func up(from cursor: inout JSONCursor) throws(JSONFault) -> StoreEvent {
        var found: (instance: String?, most: Int?) = (nil, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "instance": found.instance = try cursor.text(most: longestInstance)
            case "most": found.most = try cursor.whole()
            default: try cursor.skip()
            }
        }
        guard let instance = found.instance, !instance.isEmpty, let most = found.most, most > 0 else {
            throw cursor.fault("an instance and a number before this")
        }
        return .up(StoreLink(instance: instance, most: most))
    }

    private static func down(from cursor: inout JSONCursor) throws(JSONFault) -> StoreEvent {
        var text: String?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if name == "text" { text = try cursor.string() } else { try cursor.skip() }
        }
        guard let text else { throw cursor.fault("a text before this") }
        return .down(String(text.cut(to: longestText)))
    }

    private static func cleared(from cursor: inout JSONCursor) throws(JSONFault) -> StoreEvent {
        var found: (id: UInt64?, removed: UInt64, trouble: String?) = (nil, 0, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": found.id = try cursor.unsigned()
            case "removed": found.removed = try cursor.unsigned()
            case "trouble": found.trouble = String(try cursor.string().cut(to: longestText))
            default: try cursor.skip()
            }
        }
        guard let id = found.id else { throw cursor.fault("an id before this") }
        return .cleared(id, removed: found.removed, trouble: found.trouble)
    }

    private static func answer(from cursor: inout JSONCursor) throws(JSONFault) -> (id: UInt64, StoreAnswer) {
        var clock: Int64?
        var id: UInt64?
        var sent: Int64?
        var status: Status?
        var version: UInt64 = 0
        var text = ""
        var values: [StoreAnswer.Entry]?
        var cut: String?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": id = try cursor.unsigned()
            case "sent": sent = try cursor.signed()
            case "status": status = try cursor.word()
            case "version": version = try cursor.unsigned()
            case "now_ms": clock = try cursor.signed()
            case "text": text = String(try cursor.string().cut(to: longestText))
            case "cut": cut = try cursor.text(most: longestKey)
            case "values":
                var entries: [StoreAnswer.Entry] = []
                try cursor.list { (cursor) throws(JSONFault) in
                    let field = try StoreField(from: &cursor)
                    guard let version = field.version, version > 0, let value = field.value,
                        field.key.utf8.count <= longestKey, value.utf8.count <= (longestValue + 1) * 3
                    else { throw cursor.fault("a version and a value before this") }
                    entries.append(.init(key: field.key, version: version, value: Array(value.utf8)))
                }
                values = entries
            default: try cursor.skip()
            }
        }
        guard let id, let sent, let status else { throw cursor.fault("an id, a time and a status before this") }
        let outcome: StoreAnswer.Outcome =
            switch status {
            case .done: .done(version: version)
            case .changed: .changed
            case .unknown: .unknown
            case .refused: .refused(text)
            }
        return (
            id,
            StoreAnswer(
                sent: BootTime(nanoseconds: sent), outcome: outcome, found: values, cut: cut, clockMs: clock)
        )
    }

    fileprivate enum Status: String {
        case done, changed, unknown, refused
    }
}

extension StoreAnswer {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("sent", sent.nanoseconds)
        switch outcome {
        case .done(let version):
            writer.field("status", StoreEvent.Status.done.rawValue)
            writer.field("version", version)
        case .changed: writer.field("status", StoreEvent.Status.changed.rawValue)
        case .unknown: writer.field("status", StoreEvent.Status.unknown.rawValue)
        case .refused(let text):
            writer.field("status", StoreEvent.Status.refused.rawValue)
            writer.field("text", text, limit: 1000)
        }
        if let cut { writer.field("cut", cut) }
        if let clockMs { writer.field("now_ms", clockMs) }
        guard let found else { return }
        writer.list("values", of: found) { StoreField($0).write(to: &$1) }
    }
}

extension StoreField {
    /// What is told of a key that was found.
    init(_ entry: StoreAnswer.Entry) {
        let value = entry.value.prefix(StoreEvent.longestValue + 1)
        self.init(key: entry.key, version: entry.version, value: String(decoding: value, as: UTF8.self))
    }
}

extension JSONCursor {
    /// Reads a string of at most so many bytes.
    fileprivate mutating func text(most: Int) throws(JSONFault) -> String {
        let text = try string()
        guard text.utf8.count <= most else { throw fault("a shorter text before this") }
        return text
    }
}

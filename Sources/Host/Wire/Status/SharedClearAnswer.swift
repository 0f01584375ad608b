internal import HostValues

/// The answer to a request to remove values of shared caches from their store.
public enum SharedClearAnswer: Equatable, Sendable {
    /// It is under way; whoever asks for that number again is told what came of it.
    case underWay(UInt64)
    /// So many were removed; and what has hindered the rest.
    case done(removed: UInt64, trouble: String?)

    func write(to writer: inout JSONWriter) {
        switch self {
        case .underWay(let number): writer.field("under_way", number)
        case .done(let removed, let trouble):
            writer.field("removed", removed)
            writer.field("trouble", ifAny: trouble)
        }
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var found: (number: UInt64?, removed: UInt64, trouble: String?) = (nil, 0, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "under_way": found.number = try cursor.unsigned()
            case "removed": found.removed = try cursor.unsigned()
            case "trouble": found.trouble = try cursor.string()
            default: try cursor.skip()
            }
        }
        self = found.number.map { .underWay($0) } ?? .done(removed: found.removed, trouble: found.trouble)
    }
}

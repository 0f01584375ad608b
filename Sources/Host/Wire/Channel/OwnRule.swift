internal import HostValues

/// A rule of a worker's sandbox that the worker makes: its path leads elsewhere in each process, or to look it up may take any
/// time. It permits operations beneath the path.
public struct OwnRule: Equatable, Sendable {
    /// The absolute path.
    public var path: String
    /// The permitted operations, as the kernel's bits.
    public var rights: UInt64

    /// Creates a rule.
    public init(path: String, rights: UInt64) {
        self.path = path
        self.rights = rights
    }

    func write(to writer: inout JSONWriter) {
        writer.field("path", path)
        writer.field("rights", rights)
    }

    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var rule = Self(path: "", rights: 0)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "path": rule.path = try cursor.string()
            case "rights": rule.rights = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        self = rule
    }
}

/// The content of a file that has something of each routine: `{"routines": {ID: …}, "version": N}`. Other fields are skipped, so
/// that an older host reads what a newer one has saved.
public struct RoutinesDocument<Value> {
    /// The version of the format.
    public var version: Int64
    /// What each routine has, by its id.
    public var routines: [String: Value]

    /// Makes the content of a file.
    public init(version: Int64, routines: [String: Value]) {
        self.version = version
        self.routines = routines
    }

    /// Reads the file's text, and each value by `read`. Throws if it is none of this form.
    public init(_ bytes: [UInt8], read: (inout JSONCursor) throws(JSONFault) -> Value) throws(JSONFault) {
        var cursor = JSONCursor(bytes, in: bytes.indices)
        var version: Int64?
        var routines: [String: Value]?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "version": version = try cursor.signed()
            case "routines":
                var all: [String: Value] = [:]
                try cursor.object { (cursor, id) throws(JSONFault) in all[id] = try read(&cursor) }
                routines = all
            default: try cursor.skip()
            }
        }
        try cursor.finish()
        guard let version, let routines else { throw cursor.fault("version and routines before this") }
        self.init(version: version, routines: routines)
    }

    /// The file's text, in the order of the routines' ids, so that equal contents are equal files. `write` writes a value as
    /// the field of that id.
    public func bytes(write: (Value, String, inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.open("routines")
        for (id, value) in routines.sorted(by: { $0.key < $1.key }) { write(value, id, &writer) }
        writer.close()
        writer.field("version", version)
        writer.close()
        return writer.bytes
    }
}

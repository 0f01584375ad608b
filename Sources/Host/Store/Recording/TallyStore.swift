public import HostPolicy
public import HostSystem
internal import HostValues

/// The tallies of all routines in one file, `tally.json`, in the host's state directory.
///
/// Only one host uses the directory at a time. A save replaces the file atomically, so that after a crash it is the old
/// one or the new one.
public struct TallyStore: Sendable {
    fileprivate struct Content {
        var version: Int64
        var routines: [String: RoutineTally]
    }

    /// The format's version. Version 1 counted errors as deaths.
    private static let version: Int64 = 2
    private static let name = "tally.json"
    private static let corrupt = "tally.json.corrupt"
    private static let limit = 64 << 20

    /// Makes a store; it has no state.
    public init() {}

    /// Reads the tallies by routine id. A missing file yields no tallies; an unreadable one is set aside as
    /// `tally.json.corrupt`. `warning` is a line for the log, or nil.
    public func load(from directory: borrowing Directory) -> (tallies: [String: RoutineTally], warning: String?) {
        let bytes: [UInt8]
        do throws(SystemError) {
            let file = try directory.openForReading(Self.name)
            bytes = try file.readAll(limit: Self.limit, subject: directory.child(Self.name))
        } catch {
            return error.isNotFound ? ([:], nil) : ([:], "\(error): routines start without their tallies")
        }
        if let content = try? Content(bytes) {
            if content.version == Self.version { return (content.routines, nil) }
            if content.version == 1 { return (content.routines.mapValues { $0.withoutErrors() }, nil) }
        }
        let what = "\(directory.child(Self.name)) is not a tally of this host: routines start without their tallies"
        do throws(SystemError) {
            try directory.rename(Self.name, to: Self.corrupt)
            return ([:], what + "; the file was set aside as \(Self.corrupt)")
        } catch {
            return ([:], what + "; and it could not be set aside: \(error)")
        }
    }

    /// Atomically replaces the file. Takes about as long as a small synced write.
    public func save(_ tallies: [String: RoutineTally], in directory: borrowing Directory) throws(SystemError) {
        try directory.save(Content(version: Self.version, routines: tallies).bytes, as: Self.name)
    }
}

extension TallyStore.Content {
    /// Reads the file's text. Throws if it is none of this format's.
    fileprivate init(_ bytes: [UInt8]) throws(JSONFault) {
        var cursor = JSONCursor(bytes, in: bytes.indices)
        var version: Int64?
        var routines: [String: RoutineTally]?
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "version": version = try cursor.signed()
            case "routines":
                var read: [String: RoutineTally] = [:]
                try cursor.object { (cursor, id) throws(JSONFault) in read[id] = try RoutineTally(reading: &cursor) }
                routines = read
            default: try cursor.skip()
            }
        }
        try cursor.finish()
        guard let version, let routines else { throw cursor.fault("version and routines before this") }
        self.init(version: version, routines: routines)
    }

    /// The file's text, in the order of the routines' ids, so that equal tallies are equal files.
    fileprivate var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.open("routines")
        for (id, tally) in routines.sorted(by: { $0.key < $1.key }) { tally.write(id, to: &writer) }
        writer.close()
        writer.field("version", version)
        writer.close()
        return writer.bytes
    }
}

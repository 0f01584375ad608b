public import HostPolicy
public import HostSystem
internal import HostValues

/// The tallies of all routines in one file, `tally.json`, in the host's state directory.
///
/// Only one host uses the directory at a time. A save replaces the file atomically, so that after a crash it is the old
/// one or the new one.
public struct TallyStore: Sendable {
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
        if let content = try? RoutinesDocument(bytes, read: RoutineTally.init(reading:)) {
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
        let content = RoutinesDocument(version: Self.version, routines: tallies)
        try directory.save(content.bytes { $0.write($1, to: &$2) }, as: Self.name)
    }
}

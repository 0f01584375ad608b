internal import HostStore
internal import HostSystem
internal import HostValues

/// Sessions that have begun and have no record yet, in `open.jsonl`, so that a host that starts after one that was
/// killed can write the records that are owed. The host alone writes it; no plugin reaches it.
struct OpenSessions: ~Copyable {
    /// Lines from which the file is written anew.
    private static let rewriteAt = 4096
    private static let name = "open.jsonl"

    private let directory: Directory
    private var file: Descriptor
    /// Those without a record. What else is known of them the supervisor has, and there may be many.
    private var sessions: Set<SessionID> = []
    private var lines = 0
    /// What the host before this one left.
    private(set) var owed: [OpenSession] = []

    /// Opens the file and reads what is owed; lines that cannot be read are passed over.
    init(_ directory: consuming Directory) throws(SystemError) {
        file = try directory.openForAppending(Self.name, patience: 2_000_000_000)
        self.directory = directory
        let bytes = (try? file.readAll(limit: 256 << 20, subject: Self.name)) ?? []
        owed = bytes.split(separator: UInt8(ascii: "\n")).compactMap { OpenSession(line: Array($0)) }
    }

    /// All that was owed has its record: the file begins anew.
    mutating func settled() throws(SystemError) {
        owed = []
        try rewrite([])
    }

    /// A session begins. Written before its worker is told, so it is known whatever dies next.
    mutating func begin(_ entry: OpenSession) throws(SystemError) {
        lines += 1
        try file.writeAll(Self.line(entry), subject: directory.child(Self.name))
        sessions.insert(entry.session)
    }

    /// A session has its record.
    mutating func end(_ session: SessionID) { sessions.remove(session) }

    /// Whether most of the file is of sessions that have their records.
    var isOvergrown: Bool { lines > Self.rewriteAt && lines > sessions.count * 4 }

    /// Writes the file anew, with these: all that have no record.
    mutating func rewrite(_ entries: [OpenSession]) throws(SystemError) {
        lines = 0  // should it fail, it is tried again when as many lines more have come
        try directory.save(entries.flatMap { Self.line($0) }, as: Self.name, isSynchronized: false)
        file = try directory.openForAppending(Self.name)
        lines = entries.count
    }

    /// An entry as a line. It begins with a line break too: what a full disk has left of the one before ends there.
    private static func line(_ entry: OpenSession) -> [UInt8] {
        [UInt8(ascii: "\n")] + entry.line() + [UInt8(ascii: "\n")]
    }
}

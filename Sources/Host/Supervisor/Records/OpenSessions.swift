internal import HostStore
internal import HostSystem
internal import HostValues

/// The sessions that have begun and have no record yet, in `open.jsonl`, from which the host after a killed one writes
/// the missing records. Only the host writes the file; no plugin can reach it.
struct OpenSessions: ~Copyable {
    /// The number of lines from which on the file is rewritten.
    private static let rewriteAt = 4096
    static let name = "open.jsonl"

    private let directory: Directory
    private var file: Descriptor
    /// The ids of the sessions without a record. There may be many, and the supervisor has all other data about them.
    private var sessions: Set<SessionID> = []
    private var lines = 0
    /// Whether somebody has removed the file, so that what is written to it is lost.
    private var isGone = false
    /// The sessions that the previous host has left without a record.
    private(set) var owed: [OpenSession] = []

    /// Opens the file and reads the previous host's sessions; unreadable lines are skipped.
    init(_ directory: consuming Directory) throws(SystemError) {
        file = try directory.openForAppending(Self.name, patience: 2_000_000_000)
        self.directory = directory
        let bytes = (try? file.readAll(limit: 256 << 20, subject: Self.name)) ?? []
        owed = bytes.split(separator: UInt8(ascii: "\n")).compactMap { OpenSession(line: Array($0)) }
    }

    /// Empties the file after all sessions of the previous host got their records.
    mutating func settled() throws(SystemError) {
        owed = []
        try rewrite([])
    }

    /// Notes a session that begins. Called before its worker is told, so that the session is known whatever dies next.
    mutating func begin(_ entry: OpenSession) throws(SystemError) {
        lines += 1
        isGone = (try? file.status(subject: Self.name))?.links == 0
        try file.writeAll(Self.line(entry), subject: directory.child(Self.name))
        sessions.insert(entry.session)
    }

    /// Notes that a session has its record.
    mutating func end(_ session: SessionID) { sessions.remove(session) }

    /// Whether the file is to be written anew: most of it is about sessions that have their records, or it is gone.
    var isOvergrown: Bool { isGone || lines > Self.rewriteAt && lines > sessions.count * 4 }

    /// Rewrites the file with these sessions, which must be all that have no record.
    mutating func rewrite(_ entries: [OpenSession]) throws(SystemError) {
        lines = 0  // if it fails, it is retried after as many lines again
        isGone = false
        try directory.save(entries.flatMap { Self.line($0) }, as: Self.name, isSynchronized: false)
        file = try directory.openForAppending(Self.name)
        lines = entries.count
    }

    /// Encodes an entry as a line. It also starts with a line break, which ends a line that was cut off by a full disk.
    private static func line(_ entry: OpenSession) -> [UInt8] {
        [UInt8(ascii: "\n")] + entry.line() + [UInt8(ascii: "\n")]
    }
}

internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// Where the keeper of the records puts them: the state directory, or a test's memory.
protocol RecordStorage: AnyObject {
    /// Takes a line that waits for the next `flush`.
    func add(_ line: RecordLine)
    /// Writes what waits. What cannot be written goes on waiting.
    func flush() throws(SystemError)
    /// Lines that wait.
    var waiting: Int { get }
    /// Lines that were given up because too many waited.
    var lost: Int { get }
    /// Whether the session has a record, among the newest ones and those that wait.
    func contains(_ session: SessionID) -> Bool
    /// The routine's cycles over all its records, those included that wait.
    func lifetimeCycles(plugin: String, routine: String) -> UInt64
    /// How the routine's last session ended, by the same records; nil when there was none.
    func lastEnd(plugin: String, routine: String) -> SessionEnd?

    /// Sessions that the host before this one began and did not end.
    var owed: [OpenSession] { get }
    /// What that host's worker had counted of a session.
    func account(of session: OpenSession) -> LedgerAccount
    /// Notes that a session begins.
    func begin(_ session: OpenSession) throws(SystemError)
    /// Notes that a session has its record.
    func end(_ session: SessionID)
    /// Whether it is time to note anew what has no record: most of what was noted has one, or their file was rotated, which
    /// takes those records further away.
    var isOvergrown: Bool { get }
    /// Notes these sessions only: all that have no record.
    func rewrite(_ sessions: [OpenSession]) throws(SystemError)

    /// The ledgers that are there.
    var ledgers: [String] { get }
    /// Removes a ledger.
    func removeLedger(_ name: String)
}

/// Where crash reports lie, under the names of their workers until a record names them.
protocol ReportStorage: AnyObject {
    /// Gives a report its lasting name, that of its plugin and session: the name that the record has.
    func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String
    /// Removes a report that no record names.
    func drop(_ temporary: String)
    /// Removes what a dead host left without a record.
    func sweep()
}

extension CrashReports: ReportStorage {}

/// What a ledger says of a session.
enum LedgerAccount: Equatable {
    case counted(LedgerSnapshot)
    /// It is of another session, or is not there.
    case none
    /// The plugin has written over it.
    case spoiled
}

/// The state directory: `sessions.jsonl`, `open.jsonl` and `ledgers/`.
final class StateRecords: RecordStorage {
    private var store: SessionStore
    private var open: OpenSessions
    private let ledgerFolder: Directory
    /// Rotations of the records when the open sessions were last written anew.
    private var rotations = 0

    /// Opens the files of a state directory that is this host's, and says what was mended.
    init(in path: String, log: any LogSink) throws(SystemError) {
        store = try SessionStore.open(try Directory(path))
        open = try OpenSessions(try Directory(path))
        // A host that was killed may have rotated its records several times since it noted these.
        try store.find(open.owed.map(\.session))
        ledgerFolder = try Directory(path).directory("ledgers", create: true)
        for warning in store.warnings { log.write(.warning, "", warning) }
    }

    func add(_ line: RecordLine) { store.add(line) }
    func flush() throws(SystemError) { try store.flush() }
    var waiting: Int { store.pendingCount }
    var lost: Int { store.lost }
    func contains(_ session: SessionID) -> Bool { store.contains(session) }

    func lifetimeCycles(plugin: String, routine: String) -> UInt64 {
        store.lifetimeCycles(plugin: plugin, routine: routine)
    }

    func lastEnd(plugin: String, routine: String) -> SessionEnd? {
        store.lastEnd(plugin: plugin, routine: routine)
    }

    var owed: [OpenSession] { open.owed }

    func account(of session: OpenSession) -> LedgerAccount {
        guard let ledger = WorkerLedger(left: session.ledger, in: ledgerFolder) else { return .none }
        if let snapshot = ledger.snapshot(slot: session.slot), snapshot.session == session.session.rawValue {
            return .counted(snapshot)
        }
        return ledger.isSpoiled(slot: session.slot) ? .spoiled : .none
    }

    func begin(_ session: OpenSession) throws(SystemError) { try open.begin(session) }
    func end(_ session: SessionID) { open.end(session) }
    var isOvergrown: Bool { open.isOvergrown || store.rotations != rotations }
    func rewrite(_ sessions: [OpenSession]) throws(SystemError) {
        rotations = store.rotations  // also if it fails: it is tried again when there is more to forget
        try open.rewrite(sessions)
    }

    var ledgers: [String] { (try? ledgerFolder.names()) ?? [] }
    func removeLedger(_ name: String) { try? ledgerFolder.remove(name) }
}

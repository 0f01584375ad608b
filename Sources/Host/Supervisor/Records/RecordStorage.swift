internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// Stores the records for their keeper: in the state directory, or in a test's memory.
protocol RecordStorage: AnyObject {
    /// Reserves disk space for records, if there is none yet. Call it before the first `flush`.
    func reserveSpace()
    /// Adds a line to those that wait for the next `flush`.
    func add(_ line: RecordLine)
    /// Writes the waiting lines. Lines that cannot be written keep waiting.
    func flush() throws(SystemError)
    /// The number of waiting lines.
    var waiting: Int { get }
    /// The number of lines that were dropped because too many were waiting.
    var lost: Int { get }
    /// The routine's total cycles over all its records, including waiting ones.
    func lifetimeCycles(plugin: String, routine: String) -> UInt64
    /// How the routine's last session ended, according to the same records; nil if there was none.
    func lastEnd(plugin: String, routine: String) -> SessionEnd?

    /// The newest records on the disk, oldest first: those in the last MiB.
    func newest() -> [SessionRecord]

    /// The sessions that the previous host has begun, and that have no record.
    var owed: [OpenSession] { get }
    /// What that host's worker had counted for a session.
    func account(of session: OpenSession) -> LedgerAccount
    /// Notes that a session begins.
    func begin(_ session: OpenSession) throws(SystemError)
    /// Notes that a session has its record.
    func end(_ session: SessionID)
    /// Whether the list of open sessions should be rewritten: most of them have a record, or the record file was
    /// rotated, after which their records would be harder to find.
    var isOvergrown: Bool { get }
    /// Replaces the list of open sessions by these, which must be all without a record.
    func rewrite(_ sessions: [OpenSession]) throws(SystemError)

    /// The names of all ledgers.
    var ledgers: [String] { get }
    /// Removes a ledger.
    func removeLedger(_ name: String)
}

/// Stores crash reports, under the names of their workers until a record refers to them.
protocol ReportStorage: AnyObject {
    /// Renames a report after its plugin and session to keep it; returns the new name, which the record contains.
    func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String
    /// Removes a report that no record refers to.
    func drop(_ temporary: String)
    /// Removes the reports that a dead host left without a record.
    func sweep()
}

extension CrashReports: ReportStorage {}

/// What a ledger contains about a session.
enum LedgerAccount: Equatable {
    case counted(LedgerSnapshot)
    /// Nothing: the slot belongs to another session, or the ledger does not exist.
    case none
    /// The plugin has overwritten it.
    case spoiled
}

/// Stores the records in the state directory: `sessions.jsonl`, `open.jsonl`, `reserve` and `ledgers/`.
final class StateRecords: RecordStorage {
    private var store: SessionStore
    private var open: OpenSessions
    private let state: Directory
    private let ledgerFolder: Directory
    private let reserve: DiskReserve
    private let log: any LogSink
    let owed: [OpenSession]
    /// The number of rotations of the record file when the open sessions were last rewritten.
    private var rotations = 0

    /// Opens the files of a state directory that belongs to this host, and logs what was repaired.
    init(in path: String, log: any LogSink) throws(SystemError) {
        store = try SessionStore.open(try Directory(path))
        open = try OpenSessions(try Directory(path))
        // A killed host may have written these records, and rotated them several times, before it could say so.
        let recorded = try store.recorded(among: open.owed.map(\.session))
        owed = open.owed.filter { !recorded.contains($0.session) }
        state = try Directory(path)
        ledgerFolder = try Directory(path).directory("ledgers", create: true)
        reserve = DiskReserve(in: try Directory(path))
        self.log = log
        for warning in store.warnings { log.write(.warning, "", warning) }
    }

    func reserveSpace() { reserve.restore() }

    func add(_ line: RecordLine) { store.add(line) }

    func flush() throws(SystemError) {
        do throws(SystemError) {
            try store.flush()
        } catch {
            guard error.isDiskFull, reserve.giveUp() else { throw error }
            try store.flush()
            return log.write(
                .warning, "",
                "the disk is full: records use the \(DiskReserve.size >> 20) MiB that were reserved for them: \(error)")
        }
        reserve.restore()
    }

    var waiting: Int { store.pendingCount }
    var lost: Int { store.lost }

    func lifetimeCycles(plugin: String, routine: String) -> UInt64 {
        store.lifetimeCycles(plugin: plugin, routine: routine)
    }

    func lastEnd(plugin: String, routine: String) -> SessionEnd? {
        store.lastEnd(plugin: plugin, routine: routine)
    }

    func newest() -> [SessionRecord] { EndedSessions.records(in: state) }

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
        rotations = store.rotations  // also if it fails: it is retried when there is more to remove
        try open.rewrite(sessions)
    }

    var ledgers: [String] { (try? ledgerFolder.names()) ?? [] }
    func removeLedger(_ name: String) { try? ledgerFolder.remove(name) }
}

import HostPolicy
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// The keeper of the records, in virtual time and on a disk that fails when the test says so.
@Suite struct RecordKeeperTests {
    /// A state directory in memory.
    private final class MemoryRecords: RecordStorage {
        var fault: SystemError?
        var written: [RecordLine] = []
        var waitingLines: [RecordLine] = []
        var lost = 0
        var most = Int.max
        var attempts = 0
        /// What the host before noted.
        var noted: [OpenSession] = []
        var accounts: [SessionID: LedgerAccount] = [:]
        var begun: [SessionID] = []
        var isOvergrown = false
        var ledgers: [String] = []

        func reserveSpace() {}
        func add(_ line: RecordLine) {
            lifetimes[line.record.identifier] = line.record.lifetimeCycles
            if waitingLines.count < most { waitingLines.append(line) } else { lost += 1 }
        }
        func flush() throws(SystemError) {
            attempts += 1
            if let fault { throw fault }
            written += waitingLines
            waitingLines = []
        }
        var waiting: Int { waitingLines.count }
        private var lifetimes: [String: UInt64] = [:]
        var owed: [OpenSession] {
            let recorded = Set((written + waitingLines).map(\.record.session))
            return noted.filter { !recorded.contains($0.session) }
        }
        func lifetimeCycles(plugin: String, routine: String) -> UInt64 {
            lifetimes[plugin + "/" + routine] ?? 0
        }
        func lastEnd(plugin: String, routine: String) -> SessionEnd? {
            (written + waitingLines).last { $0.record.identifier == plugin + "/" + routine }?.record.reason.end
        }
        func newest() -> [SessionRecord] { written.map(\.record) }
        func account(of session: OpenSession) -> LedgerAccount { accounts[session.session] ?? .none }
        func begin(_ session: OpenSession) throws(SystemError) {
            if let fault { throw fault }
            begun.append(session.session)
        }
        func end(_ session: SessionID) { begun.removeAll { $0 == session } }
        func rewrite(_ sessions: [OpenSession]) throws(SystemError) {
            begun = sessions.map(\.session)
            isOvergrown = false
        }
        func removeLedger(_ name: String) { ledgers.removeAll { $0 == name } }
    }

    /// Crash reports in memory.
    private final class MemoryReports: ReportStorage {
        var names: Set<String> = []
        var fault: SystemError?
        func keep(_ temporary: String, of plugin: String, session: SessionID) throws(SystemError) -> String {
            if let fault { throw fault }
            names.remove(temporary)
            names.insert("\(plugin)@\(session).json")
            return "\(plugin)@\(session).json"
        }
        func drop(_ temporary: String) { names.remove(temporary) }
        func sweep() { names = names.filter { $0.contains("@") } }
    }

    private let reports = MemoryReports()
    private let clock = TestClock()
    private let log = MemoryLog()
    private let deadlines = Deadlines()
    private let storage = MemoryRecords()
    private let keeper: RecordKeeper
    private static let full = SystemError("write", "/state/sessions.jsonl", number: 28)

    init() {
        keeper = RecordKeeper(
            storage, reports: reports, host: "box", boot: "this", clock: clock, deadlines: deadlines, log: log)
    }

    private func record(
        _ number: UInt64, of plugin: String = "market", kind: SessionEnd = .maxCycles, text: String = ""
    ) -> SessionRecord {
        SessionRecord(
            session: SessionID(rawValue: number), plugin: plugin, routine: "poll", startMs: 0, finishMs: 1,
            durationMs: 1,
            cycles: 5, reason: .init(kind, text: text))
    }

    private func open(_ number: UInt64, boot: String = "boot") -> OpenSession {
        OpenSession(
            session: SessionID(rawValue: number), plugin: "market", version: "1", build: "b", routine: "poll", pid: 7,
            startMs: 1000, boot: boot, startBoot: 0, ledger: "7-1.ledger", slot: Int(number))
    }

    @Test func `a list of open sessions that is removed is written at once, without those that have a record`() {
        storage.begun = []
        keeper.keep(record(1))
        keeper.openSessionsAreGone()
        storage.fault = Self.full
        keeper.write { [open(2)] }
        #expect(storage.begun.isEmpty, "the next host would make a record of a session whose record waits")
        storage.fault = nil
        clock.advance(RecordKeeper.retry)
        keeper.write { [open(2)] }
        #expect(storage.begun == [SessionID(rawValue: 2)])
    }

    /// One round of the loop.
    private func round() {
        deadlines.settle(now: clock.monotonic())
        keeper.write { [] }
    }

    @Test func `a record is written in the next round, with the cycles of all before it`() throws {
        try keeper.open(open(1))
        storage.ledgers = ["7-1.ledger"]
        keeper.spent(ledger: "7-1.ledger")
        let first = keeper.keep(record(1))
        let second = keeper.keep(record(2))
        #expect(first.record.lifetimeCycles == 5 && second.record.lifetimeCycles == 10)
        #expect(keeper.lastEnd(of: first.record.identifier) == second.record.reason.end)
        #expect(keeper.lastEnd(of: "nobody/none") == nil)
        #expect(storage.written.isEmpty && storage.ledgers == ["7-1.ledger"])
        round()
        #expect(storage.written == [first, second] && storage.attempts == 1)
        #expect(storage.begun.isEmpty && storage.ledgers.isEmpty)
        round()
        #expect(storage.attempts == 1 && deadlines.earliest == .never, "an idle keeper does nothing")
    }

    @Test func `a record that cannot be written for a minute is written then, and once`() throws {
        try keeper.open(open(1))
        storage.ledgers = ["7-1.ledger"]
        keeper.spent(ledger: "7-1.ledger")
        storage.fault = Self.full
        keeper.keep(record(1))
        round()
        #expect(log.take(.critical).count == 1)
        for second in 1...60 {
            clock.advance(seconds: 1)
            if second % 10 == 0 { keeper.keep(record(1 + UInt64(second))) }
            round()
        }
        // At 0 s and then every 2 s, however many rounds there are and whatever comes meanwhile.
        #expect(storage.attempts == 31 && log.take(.critical).isEmpty)
        #expect(storage.begun == [SessionID(rawValue: 1)] && storage.ledgers == ["7-1.ledger"])
        storage.fault = nil
        clock.advance(seconds: 2)
        round()
        #expect(storage.written.map(\.record.session.rawValue) == [1, 11, 21, 31, 41, 51, 61])
        #expect(storage.written.last?.record.lifetimeCycles == 35)
        #expect(log.take(.info) == ["records can be written again"])
        #expect(storage.begun.isEmpty && storage.ledgers.isEmpty)
        round()
        #expect(storage.attempts == 32)
    }

    @Test func `the loop is woken for the next attempt`() {
        storage.fault = Self.full
        keeper.keep(record(1))
        round()
        #expect(deadlines.earliest == clock.monotonic() + RecordKeeper.retry)
    }

    @Test(arguments: [(0, 0), (1, 1), (3, 3), (7, 7)])
    func `what cannot be written at the end is counted and said`(records: Int, lost: Int) {
        storage.fault = Self.full
        storage.most = 5
        for number in 0..<records { keeper.keep(record(UInt64(number))) }
        round()
        _ = log.take(.critical)
        #expect(keeper.finish { [] } == lost)
        let said = log.take(.critical)
        #expect(said.count == (lost > 0 ? 1 : 0))
        #expect(said.allSatisfy { $0.hasPrefix("\(lost) record") && $0.contains("lost") })
    }

    @Test func `the end tries once more, without waiting for the time of the next attempt`() {
        storage.fault = Self.full
        keeper.keep(record(1))
        round()
        storage.fault = nil
        #expect(keeper.finish { [] } == 0 && storage.written.count == 1)
    }

    /// Its successor may find the records moved away, and must not make them anew.
    @Test func `at the end nothing is owed of sessions that have their records`() throws {
        for number in 1...3 as ClosedRange<UInt64> { try keeper.open(open(number)) }
        for number in 1...2 as ClosedRange<UInt64> { keeper.keep(record(number)) }
        #expect(keeper.finish { [open(3)] } == 0)
        #expect(storage.begun == [SessionID(rawValue: 3)])
    }

    /// Two sessions of one routine that a dead host has left: the second total has the first one's cycles.
    @Test func `the totals of recovered sessions add up`() {
        for number in 1...2 as ClosedRange<UInt64> {
            let session = open(number)
            storage.noted.append(session)
            storage.accounts[session.session] = .counted(
                LedgerSnapshot(session: number, state: .waiting, cycle: 10, began: 0))
        }
        #expect(keeper.recover().map(\.lifetimeCycles) == [10, 20])
    }

    @Test(arguments: [Int64.min, -1, 0, .max]) func `a damaged note of a session stops no start`(number: Int64) {
        for boot in ["boot", "another"] {
            var session = open(1, boot: boot)
            session.startMs = number
            var other = open(2, boot: boot)
            other.startBoot = BootTime(nanoseconds: number)
            var counted = LedgerSnapshot(session: 1, state: .running, cycle: 1, began: BootTime(nanoseconds: number))
            storage.noted = [session, other]
            storage.accounts[session.session] = .counted(counted)
            counted.session = 2
            storage.accounts[other.session] = .counted(counted)
            storage.written = []
            keeper.recover()
            #expect(storage.written.count == 2)
        }
    }

    @Test func `a host that died is owed its records, each once, by what its workers counted`() throws {
        storage.written = [RecordLine(record(3))]
        storage.noted = [open(1), open(2), open(3), open(4)]
        let counted = LedgerSnapshot(
            session: 1, state: .running, cycle: 41, began: 2_000_000_000, due: 0, thread: 1, failures: 2, missed: 1,
            end: nil)
        var ended = counted
        ended.state = .ended
        ended.end = .maxCycles
        storage.accounts = [
            SessionID(rawValue: 1): .counted(counted), SessionID(rawValue: 2): .spoiled,
            SessionID(rawValue: 4): .counted(ended),
        ]
        storage.ledgers = ["7-1.ledger", "7-2.ledger"]
        keeper.recover()
        let records = storage.written.dropFirst().map(\.record)
        #expect(records.map(\.session.rawValue) == [1, 2, 4])
        #expect(records.map(\.reason.end) == [.hostDied, .hostDied, .maxCycles])
        #expect(records.map(\.cycles) == [41, 0, 41] && records[0].durationMs == 2000)
        #expect(records[1].reason.text.contains("overwritten") && records[0].reason.phase == "routine")
        #expect(storage.ledgers.isEmpty && storage.begun.isEmpty && keeper.history.isEmpty)
        #expect(log.take(.warning).count == 1)
    }

    @Test func `when a dead host's session was last seen is told by the clock as it is now`() throws {
        let counted = LedgerSnapshot(session: 1, state: .waiting, cycle: 3, began: 2_000_000_000)
        storage.noted = [open(1), open(2, boot: "this")]
        (storage.noted[0].leaseToken, storage.noted[0].shard) = (12, RoutineShard(3, of: 4))
        storage.accounts = [SessionID(rawValue: 1): .counted(counted), SessionID(rawValue: 2): .counted(counted)]
        let records = keeper.recover()
        #expect(records.map(\.leaseToken) == [12, nil] && records[0].shard == RoutineShard(3, of: 4))
        #expect(records.map(\.durationMs) == [2000, 2000])
        let now = (clock.wall() - (clock.boot() - 2_000_000_000)).milliseconds
        #expect(records.map(\.finishMs) == [3000, now], "the clock was set since the second one began")
        #expect(records.map(\.clockStepMs) == [nil, now - 3000])
    }

    @Test func `a disk that is full at the start leaves what is owed to the next attempt, and ledgers in their place`()
    {
        storage.noted = [open(1)]
        storage.ledgers = ["7-1.ledger"]
        storage.fault = Self.full
        keeper.recover()
        #expect(storage.written.isEmpty && storage.ledgers == ["7-1.ledger"])
        storage.fault = nil
        clock.advance(RecordKeeper.retry)
        storage.isOvergrown = false
        deadlines.settle(now: clock.monotonic())
        keeper.write { [open(9)] }
        #expect(storage.written.map(\.record.session.rawValue) == [1] && storage.ledgers.isEmpty)
        #expect(storage.begun == [SessionID(rawValue: 9)], "the file begins anew, with those that run")
    }

    @Test func `a storm of one plugin neither swells the files nor pushes out the others in memory`() {
        let stats = SessionRecord.Stats((0..<64).map { ("column\($0)", .string(String(repeating: "x", count: 2000))) })
        for number in 0..<10 as Range<UInt64> { keeper.keep(record(number, of: "quiet")) }
        for number in 0..<3000 as Range<UInt64> {
            var storm = record(100 + number, of: "storm", kind: .error, text: String(repeating: "y", count: 2000))
            storm.stats = stats
            keeper.keep(storm)
            if number % 50 == 0 { round() }
            clock.advance(20_000_000)
        }
        round()
        let bytes = storage.written.filter { $0.record.plugin == "storm" }.map(\.bytes.count)
        #expect(bytes.count == 3000, "each session has its record")
        #expect(bytes.filter { $0 > 1000 }.reduce(0, +) < RecordBudget.atOnce + 61 * RecordBudget.perSecond)
        #expect(bytes.reduce(0, +) < 40 << 20, "half of the record files stay for others")
        let inMemory = keeper.history.reduce(0) { $0 + $1.estimatedSize }
        #expect(inMemory < 4 << 20, "the files have room for more than the memory: \(inMemory)")
        for number in 0..<12_000 as Range<UInt64> { keeper.keep(record(10_000 + number, of: "storm")) }
        #expect(keeper.history.filter { $0.plugin == "quiet" }.count == 10 && keeper.history.count <= 10_000)
        #expect(log.entries.filter { $0.level == .warning }.count < 10, "it is not said with each")
    }

    @Test func `large records of many plugins at a slow pace do not fill the memory`() {
        let stats = SessionRecord.Stats((0..<7).map { ("column\($0)", .string(String(repeating: "x", count: 2000))) })
        for number in 0..<3000 as Range<UInt64> {
            var large = record(number, of: "p\(number % 6)")
            large.stats = stats
            keeper.keep(large)
            #expect(keeper.history.last?.stats.columns.count == 7, "it is within its budget")
            if number % 50 == 0 { round() }
            clock.advance(20_000_000)
        }
        let sizes = keeper.history.map(\.estimatedSize)
        #expect(sizes.reduce(0, +) <= RecordKeeper.mostBytesInHistory)
        for plugin in 0..<6 { #expect(keeper.history.filter { $0.plugin == "p\(plugin)" }.count > 80) }
    }

    @Test func `a record names its crash report, and one without its report is kept all the same`() {
        reports.names = ["7-1.json", "7-2.json", "7-3.json"]
        let named = keeper.keep(record(1, kind: .crash), report: "7-1.json")
        #expect(named.record.report == "market@\(SessionID(rawValue: 1)).json")
        reports.fault = Self.full
        #expect(keeper.keep(record(2, kind: .crash), report: "7-2.json").record.report == nil)
        #expect(log.take(.warning).count == 1)
        keeper.drop("7-3.json")
        keeper.drop(nil)
        keeper.recover()
        #expect(reports.names == ["market@\(SessionID(rawValue: 1)).json"])
    }

    @Test(arguments: [1, 1000, 10_000])
    func `many that end at once are one write`(count: Int) {
        for number in 0..<count { keeper.keep(record(UInt64(number))) }
        round()
        #expect(storage.attempts == 1 && storage.written.count == count)
    }
}

internal import HostPolicy
public import HostSystem
public import HostValues
internal import HostViews
public import HostWire

/// The sessions of one plugin that is tried in this process: when they begin, what follows from their end, and the
/// final summary.
///
/// It uses a host's `RoutineBook` with its policies, without workers, files and people. It is told the plugin's events
/// and the time, and the resulting commands wait in `take`. Callbacks are not watched for hangs, since the plugin may
/// be stopped in a debugger.
public final class TrialBook {
    /// The file for the sessions' counts.
    private final class Ledger: LedgerSource {
        let file: WorkerLedger

        init(sessions: Int) throws(SystemError) {
            file = try WorkerLedger(key: .unkeyed)
            try file.lengthen(to: max(sessions, 1))
            // As long as what the plugin's side maps, with nothing in it: valgrind reads all that is mapped when it looks for
            // leaks, and each word behind a file's end is a signal for it, which takes a minute in all.
            try file.file.truncate(
                to: LedgerSlot.start + LedgerSlot.mostInFile * LedgerSlot.size, subject: "ledger")
        }

        func snapshot(_ seat: Seat) -> LedgerSnapshot? { file.snapshot(slot: seat.slot) }
        func slotBytes(_ seat: Seat) -> LedgerBytes? { file.bytes(slot: seat.slot) }
    }

    /// The tallies of a book that does not persist.
    private final class NoTallies: TallyFile {
        func load() -> (tallies: [String: RoutineTally], warning: String?) { ([:], nil) }
        func save(_ tallies: [String: RoutineTally]) throws(SystemError) {}
    }

    private let plugin: PluginDescription
    private let program: Program
    /// The positions in the plugin of the routines that run.
    private let chosen: [Int]
    private let clock: any HostClock
    private let deadlines = Deadlines()
    private let log: TrialLog
    private let ledger: Ledger
    private let book: RoutineBook
    private var commands: [WorkerCommand] = []
    private var past: [String: RoutineBook.Past] = [:]
    private var records = KeptRecords()
    private let startMs: Int64
    private let pid: Int32
    private let seed: UInt64?

    /// Makes a book for a loaded plugin. `until`: when all sessions end, in UTC ms. `pid`: the process id in the
    /// records; 0 if every run should be the same. Throws errors in the plugin's configuration.
    public init(
        _ plan: TrialPlan, of plugin: PluginDescription, until end: Int64?, pid: Int32, clock: any HostClock,
        log: TrialLog
    ) throws {
        self.plugin = plugin
        self.clock = clock
        self.pid = pid
        startMs = clock.wallMilliseconds()
        self.log = log
        seed = plan.seed
        (program, chosen) = try plan.program(of: plugin, at: startMs, end: end)
        ledger = try Ledger(sessions: plugin.routines.count)
        let random: any RandomNumberGenerator = seed.map { SeededRandom(seed: $0) } ?? SystemRandomNumberGenerator()
        book = RoutineBook(
            host: RoutineBook.Host(name: HostProcess.hostName, boot: "", grace: .max / 4), ledgers: ledger,
            tallies: NoTallies(), clock: clock, deadlines: deadlines, log: self.log, random: random)
    }

    /// The order to load the plugin; its disk caches are in that state directory.
    public func order(state: borrowing Directory) throws -> (load: WorkerCommand.Load, data: String) {
        let home = try WorkerFolders(in: state).make(.plugin(program.name))
        return (program.load.command(caches: home.caches), home.data)
    }

    /// A descriptor of the file for the sessions' counts.
    public func ledgerFile() throws -> Descriptor { try ledger.file.file.duplicate() }

    /// The memory limits in MB of a single cached value, and of all caches together.
    public var cacheLimits: (valueMb: UInt64, memoryMb: UInt64) {
        (program.load.limits.cacheValueMb, program.load.limits.cacheMemoryMb)
    }

    // MARK: The run

    /// Begins the routines, as their settings say.
    public func begin() {
        book.add(program)
        perform()
    }

    /// When `settle` must be called next; `never` if there is no such time.
    public var earliest: MonotonicTime { deadlines.earliest }

    /// Handles what is due at the present time.
    public func settle() {
        deadlines.settle(now: clock.monotonic())
        perform()
    }

    /// Handles the plugin's events.
    public func receive(_ events: [TrialEvent]) {
        for event in events {
            switch event {
            case .ended(let ended): self.ended(ended)
            case .log(let line):
                let routine = line.routine.flatMap {
                    plugin.routines.indices.contains($0) ? plugin.routines[$0].name : nil
                }
                let subject = routine.map { program.name + "/" + $0 } ?? program.name
                log.write(LogLevel(number: line.level), subject, line.text, ms: line.ms, isPlugins: true)
            case .dropped(let count): log.drop(count)
            }
        }
        perform()
    }

    private func ended(_ ended: WorkerEvent.Ended) {
        let counts = ledger.file.bytes(slot: ended.slot).flatMap { LedgerCounts($0, of: ended.session) }
        book.ended(ended, counts, wasTold: false)
    }

    /// The commands for the plugin since the last call, in order.
    public func take() -> [WorkerCommand] {
        if commands.isEmpty { return [] }
        defer { commands = [] }
        return commands
    }

    /// Whether no routine runs or is about to.
    public var isIdle: Bool { book.isIdle }
    /// Whether a session runs.
    public var hasSessions: Bool { !book.running.isEmpty }
    /// Whether each routine has had a session, and none has one now.
    public var allHaveEnded: Bool {
        !hasSessions
            && book.routines.values.allSatisfy { routine in
                !routine.settings.isEnabled || book.totals[routine.identifier]?.sessions ?? 0 > 0
            }
    }
    /// Whether a session has failed.
    public var hasFailed: Bool { records.failed > 0 }

    /// Asks all sessions to end, and prevents new ones.
    public func stop() {
        book.stop()
        for routine in book.routines.values.sorted(by: { $0.key < $1.key }) {
            book.endSession(of: routine, as: .stopped)
        }
        perform()
    }

    private func perform() {
        while true {
            let actions = book.take()
            if actions.isEmpty { return }
            for action in actions { perform(action) }
        }
    }

    private func perform(_ action: RoutineBook.Action) {
        switch action {
        case .start(let start): begin(start)
        case .send(let command, _): commands.append(translated(command))
        case .record(let record, _, _): keep(record)
        case .say(let level, let identifier, let text): log.write(level, identifier, text)
        case .quarantined, .release, .dropReport, .endOverdue, .endHung: break  // there is no worker
        }
    }

    private func begin(_ start: RoutineBook.Start) {
        guard book.isWaiting(start.routine), let routine = book.routines[start.routine] else { return }
        let id = book.nextSession()
        let seat = Seat(worker: WorkerID(number: 0), slot: chosen[start.index], pid: pid, ledger: "")
        _ = book.begin(start.routine, id, in: seat)
        book.began(start.routine, past[routine.identifier] ?? RoutineBook.Past())
    }

    /// Converts a command of the book, which numbers only the routines that run, to the plugin's numbers. Since nobody
    /// grants turns here, cycles do not wait for them.
    private func translated(_ command: WorkerCommand) -> WorkerCommand {
        guard case .start(var start) = command else { return command }
        start.routine = chosen[start.routine]
        start.takesTurns = false
        return .start(start)
    }

    private func keep(_ record: SessionRecord) {
        var whole = record
        let before = past[record.identifier] ?? RoutineBook.Past()
        whole.lifetimeCycles = before.cycles.clampedPlus(record.cycles)
        past[record.identifier] = RoutineBook.Past(cycles: whole.lifetimeCycles ?? 0, end: record.reason.end)
        records.keep(whole)
        log.write(RecordTable.level(of: whole), record.identifier, RecordTable.ending(of: whole))
    }

    // MARK: The summary

    /// Writes a line about the plugin to the log.
    public func say(_ level: LogLevel, _ text: String) { log.write(level, program.name, text) }

    /// The summary of the trial so far. `caches`: the counters of each cache, by the index of its routine in the plugin.
    public func summary(caches: [Int: [TrialSummary.Cache]]) -> TrialSummary {
        TrialSummary(
            plugin: program.name, version: program.version, fromMs: startMs, toMs: clock.wallMilliseconds(), seed: seed,
            routines: zip(program.routines, chosen).map { routine, index in
                let totals = book.totals[program.name + "/" + routine.name] ?? RoutineTotals()
                return TrialSummary.Routine(
                    name: routine.name, sessions: totals.sessions, failedSessions: totals.failedSessions,
                    cycles: totals.cycles, failures: totals.failures, missed: totals.missed,
                    cache: totals.cache(nil, worker: nil), caches: caches[index] ?? [])
            },
            records: records.newest, droppedRecords: records.dropped, entries: log.entries, droppedLines: log.dropped)
    }
}

/// The newest records of a trial, with counts of all.
private struct KeptRecords {
    /// The number of records kept. A session that fails every second makes 31 million of them in a year.
    private static let most = 1000

    private(set) var newest: [SessionRecord] = []
    private(set) var dropped: UInt64 = 0
    private(set) var failed: UInt64 = 0

    mutating func keep(_ record: SessionRecord) {
        if record.reason.isFailure { failed += 1 }
        newest.append(record)
        guard newest.count >= 2 * Self.most else { return }
        dropped += UInt64(newest.count - Self.most)
        newest.removeFirst(newest.count - Self.most)
    }
}

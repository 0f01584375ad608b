import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostWire

@testable import HostSupervisor

/// A worker without a process: what it is told is kept, and a test says what it does.
final class FakeWorker: WorkerProcess {
    let pid: Int32
    let setup: WorkerLink.Setup
    let report: (WorkerLink.Report) -> Void
    private(set) var commands: [WorkerCommand] = []
    private(set) var signals: [Int32] = []
    private(set) var isAbandoned = false
    /// What its ledger says.
    var ledger: [Int: LedgerSnapshot] = [:]
    var spoiled: Set<Int> = []
    var crash: CrashPage.Contents?
    var paper: ReportPaper?
    var words = ""
    var hasThreads = true
    /// Whether a SIGKILL ends it.
    var diesOfKill = true
    private var slots: [Int] = []

    init(pid: Int32, setup: WorkerLink.Setup, report: @escaping (WorkerLink.Report) -> Void) {
        self.pid = pid
        self.setup = setup
        self.report = report
    }

    func send(_ command: WorkerCommand) { commands.append(command) }
    func send(_ command: WorkerCommand, passing descriptor: PassedDescriptor?) { commands.append(command) }
    func slot(plugin: Int, routine: Int) throws(SystemError) -> Int? {
        let name = plugin * 100_000 + routine
        if let slot = slots.firstIndex(of: name) { return slot }
        slots.append(name)
        return slots.count - 1
    }
    func snapshot(slot: Int) -> LedgerSnapshot? { ledger[slot] }
    func isSpoiled(slot: Int) -> Bool { spoiled.contains(slot) }
    func slotBytes(_ slot: Int) -> LedgerBytes? { nil }
    func lastWords(now: MonotonicTime) -> String { words }
    var refusals: UInt32 { crash.map { $0.refused.reduce(0) { $0 + $1.times } } ?? 0 }
    private(set) var hasRoom = false
    func sayRoomIsMade() { hasRoom = true }
    var caches: String? { nil }
    func deadChildren(most: Int) -> Int { 0 }
    func signal(_ number: Int32) { signals.append(number) }
    func signal(_ number: Int32, thread: Int32) -> Bool {
        signals.append(number)
        return hasThreads
    }
    func kill() {
        signals.append(Signals.kill)
        if diesOfKill { report(.died(.signaled(Signals.kill))) }
    }
    func reapIfStuck() {}
    func abandon() { isAbandoned = true }
    var hasGone = false
    func isGone() -> Bool { hasGone }

    /// The sessions that it was told to begin, by slot.
    var starts: [WorkerCommand.Start] { commands.compactMap { if case .start(let start) = $0 { start } else { nil } } }
    /// Whether it was told to quit.
    var mustQuit: Bool { commands.contains(.quit) }

    /// Says that it has loaded all that it was sent.
    func answerLoads() {
        for case .load(let load) in commands {
            report(
                .event(
                    load.isForRunning
                        ? .loaded(plugin: load.plugin) : .described(plugin: load.plugin, .named("p"))))
        }
    }

    /// Says that a session is over.
    func end(_ session: SessionID, slot: Int, _ kind: SessionEnd = .stopped, cycles: UInt64 = 1) {
        report(.event(.ended(.over(session, slot: slot, kind, cycles: cycles))))
    }

    /// Says goodbye, and exits.
    func leave() {
        report(.event(.goodbye))
        report(.died(.exited(0)))
    }
}

extension WorkerEvent.Ended {
    static func over(_ session: SessionID, slot: Int, _ kind: SessionEnd, cycles: UInt64) -> Self {
        Self(
            slot: slot, session: session, startMs: 0, finishMs: 0, durationNs: 0, cycles: cycles, goodCycles: cycles,
            failures: 0,
            missed: 0, reason: SessionRecord.Reason(kind), code: 0, stats: .init(), disposition: .policy)
    }
}

extension PluginDescription {
    static func named(_ id: String, routines: Int = 1) -> PluginDescription {
        PluginDescription(
            id: id, version: "1", description: nil, isSerial: false, parameters: [],
            routines: (0..<routines).map {
                .init(name: "r\($0)", description: nil, waitMs: 1000, maxCycles: 0, timeoutMs: 0)
            })
    }
}

/// Makes workers without processes.
final class FakeLauncher: WorkerLauncher {
    private(set) var workers: [FakeWorker] = []
    /// What crash reports say; nil: they never come.
    var report: Report? = Report()
    /// Why no worker can be had.
    var fault: SystemError?

    func launch(_ setup: WorkerLink.Setup, _ report: @escaping (WorkerLink.Report) -> Void) throws(SystemError)
        -> any WorkerProcess
    {
        if let fault { throw fault }
        let worker = FakeWorker(pid: Int32(1000 + workers.count), setup: setup, report: report)
        workers.append(worker)
        return worker
    }

    /// Who was not answered.
    private(set) var askers: [(Report) -> Bool] = []

    /// How often the kernel killed because of `limits.memory_mb`, by process.
    var memoryKills: [Int32: Int] = [:]
    func memoryKills(of pid: Int32) -> Int { memoryKills[pid] ?? 0 }
    func bounds(of limits: WorkerLimits, pid: Int32) -> [LimitBound] {
        LimitBound.all(of: limits, in: GroupPlaces(), joined: [], isRoot: false)
    }

    /// The workers whose limits were extended for a crash report.
    private(set) var reporting: [Int32] = []
    func makeRoomForReport(of pid: Int32) { reporting.append(pid) }

    /// The plugins whose empty folders were removed.
    private(set) var cleaned: [String] = []
    func removeEmptyFolders(of plugin: String) { cleaned.append(plugin) }

    /// Copies that are gone.
    var missing: Set<String> = []
    func canOpen(_ path: String) -> Bool { !missing.contains(path) }

    func examine(_ subject: ReportReader.Subject, then: @escaping (Report) -> Bool) {
        if let report { _ = then(report) } else { askers.append(then) }
    }
}

/// A fleet with its fakes, and the clock by which it goes.
final class FleetHarness {
    let clock = TestClock()
    let deadlines = Deadlines()
    let launcher = FakeLauncher()
    let fleet: WorkerFleet
    private var ids = SessionIDGenerator()

    init() {
        fleet = WorkerFleet(
            launcher: launcher, orphans: Orphans(FakeProcesses(), clock: clock, deadlines: deadlines), clock: clock,
            deadlines: deadlines, grace: 10_000_000_000,
            logLevel: LogLevel.info.number)
    }

    static func load(_ plugin: Int, _ key: WorkerKey? = nil, isForRunning: Bool = true) -> Load {
        Load(
            plugin: plugin, path: "/copies/\(plugin)", name: "\(plugin).so", build: "b", parameters: "{}",
            isForRunning: isForRunning, home: nil, key: key ?? .plugin(plugin), limits: WorkerLimits(),
            libraries: LibrarySearch(), limit: 60_000_000_000)
    }

    /// A worker that has the plugin loaded, and sessions of so many of its routines.
    func serve(_ plugin: Int, _ key: WorkerKey? = nil, sessions: Int = 1) throws -> (FakeWorker, [(SessionID, Seat)]) {
        if case .loading = try fleet.prepare(Self.load(plugin, key)) { launcher.workers.last?.answerLoads() }
        guard case .ready(let id) = try fleet.prepare(Self.load(plugin, key)), let worker = launcher.workers.last else {
            throw SystemError("serve", "\(plugin)", number: 5)
        }
        let seats = try (0..<sessions).map { routine in
            let session = ids.next(milliseconds: 1)
            let seat = try fleet.seat(session, plugin: plugin, routine: routine, in: id)
            worker.ledger[seat.slot] = LedgerSnapshot(
                session: session.rawValue, state: .running, cycle: 3, thread: Int32(routine) + 50)
            return (session, seat)
        }
        _ = fleet.take()
        return (worker, seats)
    }

    func wait(_ seconds: Int64) { deadlines.run(clock, for: seconds * 1_000_000_000) }

    /// The deaths since the last look.
    func deaths() -> [Obituary] {
        fleet.take().compactMap { if case .died(let obituary) = $0 { obituary } else { nil } }
    }
}

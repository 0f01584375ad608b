internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// One worker process as the fleet drives it.
protocol WorkerProcess: AnyObject {
    var pid: Int32 { get }
    /// The folder of its disk caches.
    var caches: String? { get }
    /// Sends a command; what cannot be sent now follows later.
    func send(_ command: WorkerCommand)
    /// The slot of a routine in its ledger, which is made long enough for it; nil when it is full.
    func slot(plugin: Int, routine: Int) throws(SystemError) -> Int?
    /// What the ledger says of a slot.
    func snapshot(slot: Int) -> LedgerSnapshot?
    /// Whether a slot that says nothing of its session was written on.
    func isSpoiled(slot: Int) -> Bool
    /// A slot's bytes.
    func slotBytes(_ slot: Int) -> [UInt8]?
    /// What its crash page says.
    var crash: CrashPage.Contents? { get }
    /// What it wrote to standard error within the last two seconds, as one line.
    func lastWords(now: MonotonicTime) -> String
    /// How many children of it are dead and not reaped, up to `most`.
    func deadChildren(most: Int) -> Int
    /// Sends a signal to the process.
    func signal(_ number: Int32)
    /// Sends a signal to one of its threads; false when there is no such thread.
    func signal(_ number: Int32, thread: Int32) -> Bool
    /// Sends SIGKILL to the process and to its group.
    func kill()
    /// Looks again whether it can be reaped, when it could not before.
    func reapIfStuck()
    /// Watches it no more.
    func abandon()
}

/// Starts workers, and reads what dead ones leave.
protocol WorkerLauncher: AnyObject {
    /// Starts a worker, whose reports come to `report`.
    func launch(_ setup: WorkerLink.Setup, _ report: @escaping (WorkerLink.Report) -> Void) throws(SystemError)
        -> any WorkerProcess
    /// Removes the file for the report of a worker that has not crashed.
    func dropReport(_ name: String)
    /// Tells `then` what is known of a death, soon: at once when there is nothing to read, else in a later round of the loop. `then`
    /// says whether it still wants it.
    func examine(_ subject: ReportReader.Subject, then: @escaping (Report) -> Bool)
}

/// Starts worker processes of this executable, with their ledgers and crash reports in the state directory.
final class ProcessLauncher: WorkerLauncher {
    private let loop: EventLoop
    private let clock: any HostClock
    private let state: Directory
    private var ledgers: Directory
    private let reports: CrashReports
    private let reader: ReportReader
    /// The program that writes the reports of crashes, when they are wanted and it is there.
    private let backtracer: String?
    private let mark: HostMark
    private let folders: WorkerFolders
    private let sandboxes: SandboxMaker
    /// The copies of plugins, which a worker that plugins share loads.
    private let copies: String

    /// A launcher that keeps its files in a state directory.
    init(
        loop: EventLoop, clock: any HostClock, state: borrowing Directory, reports: CrashReports, mark: HostMark,
        sandboxes: SandboxMaker
    ) throws(SystemError) {
        self.sandboxes = sandboxes
        folders = try WorkerFolders(in: state)
        copies = HostProcess.absolute(state.child("plugins"))
        self.loop = loop
        self.clock = clock
        self.reports = reports
        self.mark = mark
        backtracer = reports.backtracer
        self.state = try Directory(state.path)
        ledgers = try state.directory("ledgers", create: true)
        reader = try ReportReader(try state.directory("reports", create: true), loop: loop)
    }

    func launch(_ setup: WorkerLink.Setup, _ report: @escaping (WorkerLink.Report) -> Void) throws(SystemError)
        -> any WorkerProcess
    {
        var setup = setup
        setup.mark = mark
        setup.crashReport = backtracer.map { (reports.place(of: setup.reportName), $0) }
        let place = try setup.home.map { (home) throws(SystemError) in try folders.make(home) }
        setup.caches = place?.caches
        if let data = place?.data { setup.variables.append("SCHEDHOST_DATA=" + data) }
        if setup.limits.sandbox.level != .off { try confine(&setup, place) }
        return try WorkerLink(
            setup, ledger: try ledger(setup.ledgerName), loop: loop, clock: clock, report: report)
    }

    private func ledger(_ name: String) throws(SystemError) -> WorkerLedger {
        do throws(SystemError) {
            return try WorkerLedger(name, in: ledgers)
        } catch {
            guard error.isNotFound else { throw error }
            // A cleaner has removed the directory.
            ledgers = try state.directory("ledgers", create: true)
            return try WorkerLedger(name, in: ledgers)
        }
    }

    /// Gives a worker a sandbox, and what is written in one: its own folders and the file for a report.
    private func confine(_ setup: inout WorkerLink.Setup, _ place: WorkerFolders.Place?) throws(SystemError) {
        var places = SandboxPolicy.Places()
        places.own = place.map { [$0.caches, $0.data] } ?? []
        places.code =
            [setup.home == .everybody ? copies : setup.copy]
            + setup.libraries.folders.filter { $0 != sandboxes.plugins }
        places.backtracer = backtracer
        if backtracer != nil { places.report = try? reports.make(setup.reportName) }
        if let data = place?.data { setup.variables.append("TMPDIR=" + data) }
        setup.policy = try sandboxes.policy(setup.limits.sandbox, places).bytes
    }

    func dropReport(_ name: String) { reports.drop(name) }

    func examine(_ subject: ReportReader.Subject, then: @escaping (Report) -> Bool) { reader.read(subject, then: then) }
}

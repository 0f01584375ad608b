internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// A worker process, as the fleet uses it. A protocol, so that tests can replace it.
protocol WorkerProcess: AnyObject {
    var pid: Int32 { get }
    /// The folder of its disk caches.
    var caches: String? { get }
    /// Sends a command without blocking; what cannot be sent now is sent later.
    func send(_ command: WorkerCommand)
    /// The same with a descriptor, which the worker gets with it.
    func send(_ command: WorkerCommand, passing descriptor: PassedDescriptor?)
    /// The slot of a routine in its ledger, which is extended if necessary; nil if the ledger is full.
    func slot(plugin: Int, routine: Int) throws(SystemError) -> Int?
    /// The state in a slot of the ledger.
    func snapshot(slot: Int) -> LedgerSnapshot?
    /// Whether a slot's replica was overwritten by something other than the worker.
    func isSpoiled(slot: Int) -> Bool
    /// A slot's bytes.
    func slotBytes(_ slot: Int) -> LedgerBytes?
    /// The content of its crash page.
    var crash: CrashPage.Contents? { get }
    /// Where its crash report is written.
    var paper: ReportPaper? { get }
    /// How many system calls its sandbox has refused so far.
    var refusals: UInt32 { get }
    /// Lets it begin its crash report, for which there is room now.
    func sayRoomIsMade()
    /// What it wrote to standard error within the last two seconds, as one line.
    func lastWords(now: MonotonicTime) -> String
    /// The number of its zombie children, at most `most`.
    func deadChildren(most: Int) -> Int
    /// Sends a signal to the process.
    func signal(_ number: Int32)
    /// Sends a signal to one of its threads; returns false if there is no such thread.
    func signal(_ number: Int32, thread: Int32) -> Bool
    /// Sends SIGKILL to the process and its process group.
    func kill()
    /// Tries to reap it again, if that was not possible before.
    func reapIfStuck()
    /// Stops watching it.
    func abandon()
    /// Whether its process has ended after all, which is then reaped. For one that was abandoned.
    func isGone() -> Bool
}

/// Starts workers, and examines what dead ones leave. A protocol, so that tests can replace it.
protocol WorkerLauncher: AnyObject {
    /// Starts a worker, whose reports are passed to `report`.
    func launch(_ setup: WorkerLink.Setup, _ report: @escaping (WorkerLink.Report) -> Void) throws(SystemError)
        -> any WorkerProcess
    /// How the limits of a worker are enforced.
    func bounds(of limits: WorkerLimits, pid: Int32) -> [LimitBound]
    /// The number of a worker's processes that the kernel killed because of `limits.memory_mb`.
    func memoryKills(of pid: Int32) -> Int
    /// Extends the limits of a worker that has received a fatal signal, so that its crash report can be written.
    func makeRoomForReport(of pid: Int32)
    /// Whether the host itself can open the file that a worker was told to load.
    func canOpen(_ path: String) -> Bool
    /// Removes what is empty of a plugin's folders.
    func removeEmptyFolders(of plugin: String)
    /// Passes to `then` what is known about a death, at once if there is nothing to read, else in a later round of the
    /// loop. `then` returns whether it still wants the answer.
    func examine(_ subject: ReportReader.Subject, then: @escaping (Report) -> Bool)
}

/// Starts worker processes of this executable, with their ledgers in the state directory, where their crash reports come too.
final class ProcessLauncher: WorkerLauncher {
    private let loop: EventLoop
    private let clock: any HostClock
    private let state: Directory
    private var ledgers: Directory
    private let reader: ReportReader
    /// The program that writes crash reports; nil if none are wanted or it is not found.
    private let backtracer: String?
    private let mark: HostMark
    private let folders: WorkerFolders
    private let sandboxes: SandboxMaker
    private let groups: WorkerGroups
    private let users: WorkerUsers
    /// The folder with the copies of plugins, which a shared worker loads.
    private let copies: String
    /// What says to workers until when leases are valid; nil if the host is in no cluster.
    var leases: LeasePage?

    /// Makes a launcher that keeps its files in a state directory.
    init(
        loop: EventLoop, clock: any HostClock, state: borrowing Directory, backtracer: String?, mark: HostMark,
        sandboxes: SandboxMaker, groups: WorkerGroups, users: WorkerUsers
    ) throws(SystemError) {
        self.users = users
        self.sandboxes = sandboxes
        self.groups = groups
        folders = try WorkerFolders(in: state, users: users)
        copies = HostProcess.absolute(state.child("plugins"))
        self.loop = loop
        self.clock = clock
        self.mark = mark
        self.backtracer = backtracer
        self.state = try Directory(state.path)
        ledgers = try state.directory("ledgers", create: true)
        reader = try ReportReader(try Directory(state.path), loop: loop)
    }

    func launch(_ setup: WorkerLink.Setup, _ hear: @escaping (WorkerLink.Report) -> Void) throws(SystemError)
        -> any WorkerProcess
    {
        var setup = setup
        setup.mark = mark
        setup.leases = leases
        // Without memory for it there is no report, but a worker.
        setup.crashReport = backtracer.flatMap { backtracer in (try? ReportPaper()).map { ($0, backtracer) } }
        let user = try users.user(of: setup.home, name: setup.name)
        setup.user = user
        let place = setup.home.map { folders.place(of: $0) }
        if let home = setup.home, user == nil {
            setup.prepare = { [self] () throws(SystemError) in _ = try folders.make(home) }
        } else if let home = setup.home {
            _ = try folders.make(home, user: user)
        }
        setup.caches = place?.caches
        if let data = place?.data { setup.variables.append("SCHEDHOST_DATA=" + data) }
        if user != nil {
            users.show(setup.copy)
            if let data = place?.data { setup.variables += ["HOME=" + data, "TMPDIR=" + data] }
        }
        if setup.limits.sandbox.level != .off { confine(&setup, place) }
        return try groups.enter(setup.limits, isRoot: HostProcess.user == 0 && user == nil) {
            (joined) throws(SystemError) in
            setup.groups = joined
            let ledger = try ledger(setup.ledgerName)
            do throws(SystemError) {
                let link = try WorkerLink(setup, ledger: ledger, loop: loop, clock: clock, report: hear)
                return (link.pid, link)
            } catch {
                // It is no dead worker's, so nobody would remove it before the next host's start.
                try? ledgers.remove(setup.ledgerName)
                throw error
            }
        }
    }

    func bounds(of limits: WorkerLimits, pid: Int32) -> [LimitBound] {
        groups.bounds(of: limits, pid: pid)
    }

    func memoryKills(of pid: Int32) -> Int { groups.memoryKills(of: pid) }

    func makeRoomForReport(of pid: Int32) { if backtracer != nil { groups.makeRoomForReport(of: pid) } }

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

    /// Gives a worker a sandbox, with write access to its own folders.
    private func confine(_ setup: inout WorkerLink.Setup, _ place: WorkerFolders.Place?) {
        var places = SandboxPolicy.Places()
        places.own = place.map { [$0.caches, $0.data] + [$0.sharedCaches].compactMap { $0 } } ?? []
        places.code =
            [setup.home == .everybody ? copies : setup.copy]
            + sandboxes.libraryFolders(of: setup.libraries, copies: copies)
        places.backtracer = backtracer
        places.program = HostProcess.executable
        if setup.user == nil, let data = place?.data { setup.variables.append("TMPDIR=" + data) }
        setup.sandbox = .maker(sandboxes, setup.limits.sandbox, places)
    }

    func canOpen(_ path: String) -> Bool {
        (try? Directory("/").openForReading(HostProcess.absolute(path), followLink: true)) != nil
    }

    func removeEmptyFolders(of plugin: String) { folders.removeEmpty(of: plugin) }

    func examine(_ subject: ReportReader.Subject, then: @escaping (Report) -> Bool) { reader.read(subject, then: then) }
}

public import HostSupervisor
public import HostSystem
public import HostValues
public import HostWorker

/// Connects the plugin and the routine book of a trial: it passes the messages of each to the other.
public final class TrialRun: VirtualTimeGuide {
    /// The time that a trial runs in.
    public enum Course {
        /// Real time.
        case real
        /// Virtual time, shown by this clock.
        case virtual(VirtualClock, TrialSpan)
    }

    /// Further conditions that end a trial.
    public struct Bounds: Sendable {
        /// Whether it ends with the first session that fails.
        public var untilFailure = false
        /// Whether it ends with the first session of each routine: after the requested number of cycles, or at a
        /// failure.
        public var endsWithSessions = false

        /// Makes bounds without conditions.
        public init() {}
    }

    /// A wake-up of the main thread, which the plugin's threads ring.
    public final class Bell: Sendable {
        fileprivate let doorbell: Doorbell

        /// Makes a bell that has not been rung.
        public init() throws(SystemError) { doorbell = try Doorbell() }

        /// Rings it; any thread may do so.
        public func ring() { doorbell.ring() }
    }

    private let worker: TrialWorker
    private let book: TrialBook
    private let bell: Bell
    private let clock: any HostClock
    private let bounds: Bounds
    private let isAskedToStop: () -> Bool
    /// The end of virtual time.
    public let end: BootTime
    private var isStopping = false
    private var isResting = false

    /// Loads the plugin of `worker`, which rings `bell`, and begins its routines. `isAskedToStop` says whether the user
    /// has asked the trial to end. `isAlone` says that the process is the trial's own: then the plugin finds its data folder
    /// in the environment, as it does in a host.
    public init(
        _ worker: TrialWorker, as plan: TrialPlan, course: Course, bounds: Bounds, clock: any HostClock, bell: Bell,
        log: TrialLog, state: borrowing Directory, isAlone: Bool = false,
        isAskedToStop: @escaping () -> Bool = { false }
    ) throws {
        self.worker = worker
        self.bell = bell
        self.clock = clock
        self.bounds = bounds
        self.isAskedToStop = isAskedToStop
        let virtual: VirtualClock?
        let untilMs: Int64?
        switch course {
        case .real: (end, virtual, untilMs) = (.never, nil, nil)
        case .virtual(let clock, let span):
            (end, virtual, untilMs) = (clock.boot() + span.lengthMs.clampedTimes(1_000_000), clock, span.endMs)
        }
        book = try TrialBook(
            plan, of: worker.description, until: untilMs, pid: virtual == nil ? HostProcess.pid : 0, clock: clock,
            log: log)
        let limits = book.cacheLimits
        let (order, data) = try book.order(state: state)
        if isAlone { HostProcess.setEnvironment("SCHEDHOST_DATA", data) }
        try worker.load(
            order, ledger: try book.ledgerFile(), cacheValueMb: limits.valueMb, cacheMemoryMb: limits.memoryMb,
            data: data, virtual: virtual)
        book.begin()
    }

    // MARK: Real time

    /// Runs until nothing is left to run, or the trial is asked to end, which also rings the bell.
    public func inRealTime() throws(SystemError) {
        let loop = try EventLoop(clock: clock)
        _ = try loop.watch(bell.doorbell.descriptor) { [unowned self] _ in bell.doorbell.hush() }
        try loop.run { [self] _ in
            let isOver =
                !goOn() || book.isIdle && !book.hasSessions || bounds.endsWithSessions && book.allHaveEnded
            if isOver { loop.stop() }
            return book.earliest
        }
    }

    // MARK: Virtual time

    /// Runs until virtual time is over, or the trial is asked to end.
    public func inVirtualTime() { worker.run(self) }

    /// The next time at which the book has something to do.
    public var earliest: BootTime { clock.boot() + (book.earliest - clock.monotonic()) }

    /// See `VirtualTimeGuide`.
    public func settle() -> Bool { goOn() }

    /// See `VirtualTimeGuide`.
    public func rest() {
        isResting = isStopping
        stop()
    }

    // MARK: Common parts

    /// Passes messages between the book and the plugin until both are quiet; false when the trial is over.
    private func goOn() -> Bool {
        if isAskedToStop() { stop() }
        if book.earliest <= clock.monotonic() { book.settle() }
        while true {
            let events = worker.take()
            if !events.isEmpty { book.receive(events) }
            let commands = book.take()
            for command in commands { worker.perform(command) }
            if commands.isEmpty, events.isEmpty { break }
        }
        if bounds.untilFailure, book.hasFailed { stop() }
        return !(isStopping && (!book.hasSessions || isResting))
    }

    private func stop() {
        if isStopping { return }
        isStopping = true
        book.stop()
        for command in book.take() { worker.perform(command) }
    }

    /// Unloads the plugin and returns the outcome. No session may be running any more.
    public func finish() -> TrialSummary {
        if let text = worker.unload() { book.say(.error, "unload failed: \(text)") }
        book.receive(worker.take())
        return book.summary(
            caches: worker.cacheCounts().mapValues { caches in
                caches.map {
                    TrialSummary.Cache(
                        name: $0.name, isOnDisk: $0.isOnDisk, isOfPlugin: $0.isOfPlugin, counts: $0.counts)
                }
            })
    }
}

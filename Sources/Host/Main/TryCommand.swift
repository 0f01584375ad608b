internal import HostCommandLine
internal import HostSupervisor
internal import HostSystem
internal import HostValues
internal import HostWire
internal import HostWorker

/// `try`: runs one plugin in the foreground, in real time or in virtual time.
enum TryCommand {
    static func run(_ options: TryOptions) throws -> ExitStatus {
        defer { HostProcess.mayEnd() }
        try checkTimes(options)
        let plan = try TrialPlan(options.trial)
        try tellLinker(of: plan)
        let state = try TrialState.open(options.state)
        let report = options.isJSON ? try HostProcess.divertOutput() : nil
        HostProcess.bufferOutputByLines()
        HostProcess.haveLastWords(
            crash: ": the plugin ended this program: gdb --args, or lldb --, before the same command shows where\n",
            exit: "schedhost: the plugin ended this program: it called exit\n")
        let real = SystemClock()
        let began = real.monotonic()
        let run: TrialRun
        if let length = options.forMs {
            let fromMs = options.fromMs ?? real.wallMilliseconds()
            let clock = VirtualClock(beginning: WallTime(milliseconds: fromMs))
            let end = TrialRun.End(at: clock.boot() + length.clampedTimes(1_000_000), ms: fromMs.clampedPlus(length))
            run = try TrialRun(plan, options, clock: clock, virtual: (clock, end), state: state.directory)
            try run.inVirtualTime()
        } else {
            run = try TrialRun(plan, options, clock: real, virtual: nil, state: state.directory)
            try run.inRealTime()
        }
        let summary = run.finish(seed: options.trial.seed)
        if let report {
            try report.writeAll(summary.json, subject: "standard output")
        } else {
            StandardStream.output.write(
                summary.text(
                    took: options.forMs == nil ? nil : (real.monotonic() - began) / 1_000_000,
                    width: StandardStream.output.isTerminal ? TerminalSize.columns : nil,
                    isColored: StandardStream.output.showsColors))
        }
        return summary.hasFailed ? .failure : .success
    }
}

extension TryCommand {
    /// The latest time that fits into 63 bits of nanoseconds since 1970, in ms: in the year 2262.
    private static let lastMs: Int64 = 9_223_372_036_854

    /// Refuses times that the clocks cannot represent.
    private static func checkTimes(_ options: TryOptions) throws(UsageError) {
        guard let length = options.forMs, let from = options.fromMs else { return }
        if from < 0 || from > lastMs || from.clampedPlus(length) > lastMs {
            throw UsageError(command: .trial, message: "virtual time lies between the years 1970 and 2262")
        }
    }

    /// Marks, in the environment, a process that was executed again for the dynamic linker.
    private static let mark = "SCHEDHOST_TRY"

    /// Executes this program again if the dynamic linker needs environment variables for the plugin.
    private static func tellLinker(of plan: TrialPlan) throws(SystemError) {
        let isDone = HostProcess.environment(mark) != nil
        HostProcess.setEnvironment(mark, nil)
        let variables = plan.linkerVariables
        if isDone || variables.isEmpty { return }
        throw HostProcess.beginAnew(with: variables.merging([mark: "1"]) { own, _ in own })
    }
}

/// Connects the plugin and the routine book of a trial: it passes the messages of each to the other.
final class TrialRun: VirtualTimeGuide {
    /// The end of virtual time, on two clocks.
    struct End {
        let at: BootTime
        let ms: Int64
    }

    private let worker: TrialWorker
    private let book: TrialBook
    private let clock: any HostClock
    private let log: HostLog
    private let untilFailure: Bool
    /// Whether the trial ends with the first session of each routine: after the requested number of cycles, or at a
    /// failure.
    private let endsWithSessions: Bool
    private let bell: Bell
    private let signals: StopSignals
    let end: BootTime
    private var isStopping = false
    private var isResting = false

    /// A wake-up of the main thread, which the plugin's threads ring.
    private final class Bell: Sendable {
        let doorbell: Doorbell

        init() throws(SystemError) { doorbell = try Doorbell() }
    }

    init(
        _ plan: TrialPlan, _ options: TryOptions, clock: any HostClock, virtual: (clock: VirtualClock, end: End)?,
        state: borrowing Directory
    ) throws {
        // Comes before any thread is started, because a thread inherits the signal mask of its creator.
        signals = try StopSignals()
        Signals.survive([Signals.brokenPipe])
        let bell = try Bell()
        self.bell = bell
        self.clock = clock
        end = virtual?.end.at ?? .never
        untilFailure = options.untilFailure
        endsWithSessions = options.trial.cycles != nil
        log = HostLog(format: .text, level: options.logLevel, clock: clock, isDated: virtual != nil)
        worker = try TrialWorker(path: plan.path, clock: clock, level: options.logLevel.number) { bell.doorbell.ring() }
        book = try TrialBook(
            plan, of: worker.description, until: virtual?.end.ms, seed: options.trial.seed,
            pid: virtual == nil ? HostProcess.pid : 0, clock: clock, log: log)
        let limits = book.cacheLimits
        try worker.load(
            try book.order(state: state), ledger: try book.ledgerFile(), cacheValueMb: limits.valueMb,
            cacheMemoryMb: limits.memoryMb, virtual: virtual?.clock)
        book.begin()
    }

    // MARK: Real time

    /// Runs until nothing is left to run, or a signal arrives.
    func inRealTime() throws(SystemError) {
        let loop = try EventLoop(clock: clock)
        _ = try loop.watch(bell.doorbell.descriptor) { [unowned self] _ in bell.doorbell.hush() }
        try signals.begin { [bell] in bell.doorbell.ring() }
        try loop.run { [self] _ in
            let isOver = !goOn() || book.isIdle && !book.hasSessions || endsWithSessions && book.allHaveEnded
            if isOver { loop.stop() }
            return book.earliest
        }
    }

    // MARK: Virtual time

    /// Runs until virtual time is over, or a signal arrives.
    func inVirtualTime() throws(SystemError) {
        try signals.begin {}
        worker.run(self)
    }

    var earliest: BootTime { clock.boot() + (book.earliest - clock.monotonic()) }

    func settle() -> Bool { goOn() }

    func rest() {
        isResting = isStopping
        stop()
    }

    // MARK: Common parts

    /// Passes messages between the book and the plugin until both are quiet; false when the trial is over.
    private func goOn() -> Bool {
        if signals.haveCome { stop() }
        if book.earliest <= clock.monotonic() { book.settle() }
        while true {
            let events = worker.take()
            if !events.isEmpty { book.receive(events) }
            let commands = book.take()
            for command in commands { worker.perform(command) }
            if commands.isEmpty, events.isEmpty { break }
        }
        if untilFailure, book.hasFailed { stop() }
        return !(isStopping && (!book.hasSessions || isResting))
    }

    private func stop() {
        if isStopping { return }
        isStopping = true
        book.stop()
        for command in book.take() { worker.perform(command) }
    }

    /// Unloads the plugin and returns the outcome. No session may be running any more.
    func finish(seed: UInt64?) -> TrialSummary {
        if let text = worker.unload() { log.write(.error, worker.description.id, "unload failed: \(text)") }
        book.receive(worker.take())
        return book.summary(seed: seed)
    }
}

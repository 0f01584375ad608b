internal import HostCommandLine
internal import HostSupervisor
internal import HostSystem
internal import HostTrial
internal import HostValues
internal import HostWorker

/// `try`: runs one plugin in the foreground, in real time or in virtual time.
enum TryCommand {
    static func run(_ options: TryOptions) throws -> ExitStatus {
        defer { HostProcess.mayEnd() }
        let real = SystemClock()
        let span = try span(options, clock: real)
        let plan = try TrialPlan(options.trial)
        try tellLinker(of: plan)
        let state = try TrialState.open(options.state)
        let report = options.isJSON ? try HostProcess.divertOutput() : nil
        HostProcess.bufferOutputByLines()
        HostProcess.haveLastWords(
            HostProcess.LastWords(
                crash: ": the plugin ended this program: gdb --args, or lldb --, before the same command shows where\n",
                exit: "schedhost: the plugin ended this program: it called exit\n",
                replaced: "schedhost: the plugin replaced this program: it called exec\n"))
        let began = real.monotonic()
        let summary = try trial(plan, options, span: span, clock: real, state: state.directory)
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
    /// The span of virtual time; nil if the trial runs in real time.
    private static func span(_ options: TryOptions, clock: any HostClock) throws(UsageError) -> TrialSpan? {
        guard let length = options.forMs else { return nil }
        let fromMs = options.fromMs ?? clock.wallMilliseconds()
        guard let span = TrialSpan(fromMs: fromMs, lengthMs: length) else {
            throw UsageError(command: .trial, message: TrialSpan.bounds)
        }
        return span
    }

    /// Runs the trial to its end and returns its summary.
    private static func trial(
        _ plan: TrialPlan, _ options: TryOptions, span: TrialSpan?, clock real: any HostClock,
        state: borrowing Directory
    ) throws -> TrialSummary {
        let signals = try StopSignals()
        Signals.survive([Signals.brokenPipe])
        let bell = try TrialRun.Bell()
        let virtual = span.map { $0.clock() }
        let clock: any HostClock = virtual ?? real
        let worker = try TrialWorker(path: plan.path, clock: clock, level: options.logLevel.number) { bell.ring() }
        var bounds = TrialRun.Bounds()
        bounds.untilFailure = options.untilFailure
        bounds.endsWithSessions = options.trial.cycles != nil
        var course = TrialRun.Course.real
        if let span, let virtual { course = .virtual(virtual, span) }
        let log = HostLog(format: .text, level: options.logLevel, clock: clock, isDated: virtual != nil)
        let run = try TrialRun(
            worker, as: plan, course: course, bounds: bounds, clock: clock, bell: bell, log: TrialLog(log),
            state: state, isAlone: true
        ) { signals.haveCome }
        try signals.begin { bell.ring() }
        if virtual == nil { try run.inRealTime() } else { run.inVirtualTime() }
        return run.finish()
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

internal import HostCommandLine
internal import HostPolicy
internal import HostStore
internal import HostSupervisor
internal import HostSystem
internal import HostValues
internal import HostViews

/// Performs the subcommands. Data goes to standard output, messages to standard error.
enum Program {
    /// Performs a command; throws errors that the user can correct.
    static func perform(_ command: Command) throws -> ExitStatus {
        switch command {
        case .run(let options): return try run(options)
        case .list(let options): return try ListCommand.list(options)
        case .check(let options): return try CheckCommand.check(options)
        case .trial(let options): return try TryCommand.run(options)
        case .calendar(let options): return try CalendarCommand.show(options)
        case .records(let options): return try records(options)
        case .cache(let options): return try CacheCommand.perform(options)
        case .operate(let options): return try OperateCommand.perform(options)
        case .logs(let options): return try LogsCommand.perform(options)
        case .why(let options): return try WhyCommand.perform(options)
        case .cluster(let options): return try ClusterCommand.perform(options)
        case .metrics(let options): return try OperateCommand.metrics(options)
        case .top(let options): return try TopCommand.perform(options)
        case .report(let options): return try ReportCommand.perform(options)
        case .new(let options): return try NewCommand.new(options)
        case .completion(let shell):
            StandardStream.output.write(Completions.text(for: shell))
            return .success
        case .words(let options): return CompletionCommand.words(options)
        case .man(let page):
            StandardStream.output.write(ManualPage.text(page))
            return .success
        case .configurationHelp(let subject):
            StandardStream.output.write(ConfigurationHelp.text(subject))
            return .success
        case .help(let name):
            StandardStream.output.write(HelpText.text(name))
            return .success
        case .version(let isJSON):
            StandardStream.output.write(
                isJSON ? "{\"version\":\"\(HostVersion.text)\"}\n" : "schedhost \(HostVersion.text)\n")
            return .success
        }
    }

    private static func run(_ run: RunOptions) throws -> ExitStatus {
        _ = try plugins(run.plugins)
        if let file = run.metricsFile {
            _ = try directory(
                Directory.split(file).folder, mend: "make it, or name another file with --metrics-file",
                status: .cannotCreate)
        }
        var options = HostOptions(plugins: run.plugins, state: try statePath(run.state))
        options.configuration = run.config
        options.exitsWhenIdle = run.exitWhenIdle
        options.grace = run.graceMs * 1_000_000
        options.keepsReports = run.keepsCrashReports
        options.allowsUnsafePermissions = run.allowUnsafePermissions
        options.logLevel = run.logLevel
        options.logFormat = run.logFormat
        options.listen = run.listen
        options.listensAnywhere = run.listenAnywhere
        options.listenNames = run.listenNames
        options.metricsFile = run.metricsFile
        options.polls = run.polls
        var settings: [SettingKey: SettingValue] = [:]
        if let isolation = run.isolation { settings[.isolation] = .word(isolation.rawValue) }
        if let cycles = run.maxCycles { settings[.maxCycles] = .integer(cycles) }
        if let until = run.untilMs { settings[.until] = .until(.moment(until)) }
        options.overrides = ConfigurationLayer(commandLine: settings)
        HostProcess.forbidInspection()
        switch try Supervisor(options, clock: SystemClock()).run() {
        case .success: return .success
        case .failure: return .failure
        }
    }

    private static func records(_ options: RecordsOptions) throws -> ExitStatus {
        if options.isOfFleet { return try FleetCommand.records(options) }
        let directory = try state(options.state)
        if let session = options.show {
            return try RecordView.show(session, in: directory, isJSON: options.format == .json)
        }
        let texts = RecordTexts(plugin: options.plugin, routine: options.routine)
        let (records, outcome) = try SessionFiles.last(options.last ?? .max, in: directory, among: texts) {
            options.matches($0)
        }
        if let fault = outcome.firstFault {
            Complaint.say("\(outcome.skipped) lines are no records; the first: \(fault)")
        }
        let width = StandardStream.output.isTerminal ? TerminalSize.columns : nil
        let text = RecordTable.text(
            records, format: options.format, width: width, isColored: StandardStream.output.showsColors)
        // The table is already cleaned cell by cell, and JSON is escaped.
        let isRaw = options.format == .csv && width != nil
        StandardStream.output.write(isRaw ? TerminalText.cleanLines(text.replacing("\r\n", with: "\n")) : text)
        return .success
    }

    /// The error of a missing path: a description with the remedy, and the exit status.
    struct Absent: Error, CustomStringConvertible {
        let description: String
        let status: ExitStatus
    }

    /// Opens the plugins directory.
    static func plugins(_ path: String) throws -> Directory {
        try directory(path, mend: "make it, or name another one with --plugins")
    }

    /// Opens the state directory of a host that has run before; never creates it.
    static func state(_ option: String?) throws -> Directory {
        try directory(try statePath(option), mend: "no host has run with it yet; name another one with --state")
    }

    private static func directory(
        _ path: String, mend: String, status: ExitStatus = .failure
    ) throws -> Directory {
        do throws(SystemError) { return try Directory(path) } catch {
            if error.isNotFound { throw Absent(description: "\(error): \(mend)", status: status) }
            throw error
        }
    }

    /// The path of the state directory.
    static func statePath(_ option: String?) throws -> String {
        var environment: [String: String] = [:]
        for name in ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"] {
            environment[name] = HostProcess.environment(name)
        }
        guard let path = StateDirectory.path(option: option, environment: environment) else {
            throw UsageError(command: nil, message: "no home directory to keep the state in: give one with --state")
        }
        return path
    }
}

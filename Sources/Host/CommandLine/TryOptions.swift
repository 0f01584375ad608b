public import HostValues

/// Options of `schedhost try`.
public struct TryOptions: Equatable, Sendable {
    /// The plugin and routines to try, with their settings.
    public var trial: TrialOptions
    /// The duration of virtual time in ms; nil means real time.
    public var forMs: Int64?
    /// The start of virtual time, in ms since 1970, UTC; nil means now.
    public var fromMs: Int64?
    /// Whether the trial ends with the first session that fails.
    public var untilFailure = false
    /// The state directory, which is kept; nil means a temporary one, which is removed.
    public var state: String?
    /// The lowest level that is logged.
    public var logLevel = LogLevel.info
    /// Whether the outcome is shown as JSON.
    public var isJSON = false

    /// Creates options that run all routines of `file` in real time.
    public init(file: String) { trial = TrialOptions(file: file) }
}

extension ArgumentParser {
    func trial(_ parsed: Parsed) throws(UsageError) -> TryOptions {
        var options = TryOptions(file: parsed.operands[0])
        options.trial.routines = Array(parsed.operands.dropFirst())
        options.trial.instance = parsed.texts[.instance]
        options.trial.config = parsed.texts[.config]
        options.trial.parameters = parsed.lists[.parameter] ?? []
        options.trial.cycles = parsed.numbers[.cycles].map { UInt64(clamping: $0) }
        options.forMs = parsed.numbers[.forTime]
        options.fromMs = parsed.numbers[.from]
        // A seed makes only runs in virtual time reproducible.
        if options.forMs != nil { options.trial.seed = parsed.numbers[.seed].map { UInt64(clamping: $0) } ?? 1 }
        options.untilFailure = parsed.has(.untilFailure)
        options.state = parsed.texts[.state]
        options.logLevel =
            parsed.texts[.logLevel].flatMap { .init(rawValue: $0) } ?? (options.forMs == nil ? .info : .warning)
        options.isJSON = parsed.has(.json)
        for needsVirtual in [OptionName.from, .seed] where options.forMs == nil && parsed.has(needsVirtual) {
            throw parsed.fail("--\(needsVirtual.rawValue) is for virtual time: it wants --for TIME")
        }
        return options
    }
}

extension CommandTable {
    static let trial = CommandSpecification(
        name: .trial, operands: "FILE [ROUTINE]...", operandCount: 1...1000,
        summary: "run one plugin in the foreground, in this process, or a month of it in a moment",
        details: [
            "Runs the plugin as a host would that has it and its configuration in FILE's directory, but here: without a "
                + "supervisor, a worker, a sandbox and limits, so that gdb, lldb, valgrind, perf and strace see the "
                + "plugin itself. Hangs are not ended, max_running holds for nobody, and a crash ends the program. Without ROUTINE all "
                + "routines run that are enabled. What disk caches keep is gone afterwards, unless --state names a place.",
            "With --for, time is virtual: waits, sleep_ms, now_ms, the ages of cached values, retries, calendars and time zones "
                + "go by a clock that jumps to what is due next, so that a month takes as long as the work that is done "
                + "in it. A cycle itself takes no virtual time. The run is the same each time for one --seed and --from. What the "
                + "plugin asks the system itself, such as time(2) or a server, is of the real time.",
            "At the end it says what each routine did. Exit status 1: a session has failed.",
        ],
        options: [
            OptionSpecification(
                .parameter, .text, "NAME=VALUE", isRepeatable: true, "set a parameter; may be given more than once"),
            OptionSpecification(
                .config, .file, "FILE", "the host's configuration; else schedhost.json5 beside FILE, if there is one"),
            OptionSpecification(
                .instance, .text, "NAME", "the instance of the plugin, where its configuration has some"),
            OptionSpecification(
                .cycles, .count(most: .max), "N",
                "end each session after N cycles; as time passes each routine has one session then"),
            OptionSpecification(
                .forTime, .duration(mostMs: 864_000_000_000), "TIME",
                "virtual time, for so long: 90s, 24h, 30d, 365d"),
            OptionSpecification(
                .from, .moment, "TIME", "when virtual time begins: 2026-10-24T00:00:00Z, 18:30; else now"),
            OptionSpecification(.seed, .count(most: .max), "N", "other random numbers in virtual time; 1 by default"),
            OptionSpecification(flag: .untilFailure, "end with the first session that fails"),
            OptionSpecification(
                .state, .directory, "DIR", "keep the disk caches there; else they are removed at the end"),
            OptionSpecification(
                .logLevel, .choice(LogLevel.allCases.map(\.rawValue)), "LEVEL",
                "the least level that is logged: info by default, in virtual time warning"),
            OptionSpecification(
                flag: .json,
                "show what came of it as JSON, with records and log; what the plugin prints goes to standard error"),
        ],
        examples: [
            .init(line: "schedhost try ./libhello.so --cycles 3", purpose: "three cycles of each routine"),
            .init(line: "gdb --args schedhost try ./libhello.so greet", purpose: "one routine in a debugger"),
            .init(
                line: "schedhost try ./libhello.so --for 30d --from 2026-10-24T00:00:00Z",
                purpose: "a month, across the end of summer time in Europe"),
        ])
}

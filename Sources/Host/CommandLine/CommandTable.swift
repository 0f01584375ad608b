internal import HostPolicy
internal import HostValues
internal import HostViews

/// One option of a command.
public struct OptionSpecification: Equatable, Sendable {
    /// The name, without the leading `--`.
    public var name: OptionName
    /// The type of its value; nil if the option takes no value.
    public var value: ValueKind?
    /// The placeholder for the value in the help text, such as `DIR`.
    public var placeholder: String
    /// The help text.
    public var help: String
    /// Whether the option must be given.
    public var isRequired = false
    /// Whether the option may be repeated.
    public var isRepeatable = false

    init(flag name: OptionName, _ help: String) {
        self.name = name
        placeholder = ""
        self.help = help
    }

    init(
        _ name: OptionName, _ value: ValueKind, _ placeholder: String, isRequired: Bool = false,
        isRepeatable: Bool = false, _ help: String
    ) {
        self.isRepeatable = isRepeatable
        self.name = name
        self.value = value
        self.placeholder = placeholder
        self.help = help
        self.isRequired = isRequired
    }

    /// The text `--name VALUE`.
    public var synopsis: String { "--\(name.rawValue)" + (value == nil ? "" : " \(placeholder)") }
}

/// The names of all options.
public enum OptionName: String, CaseIterable, Sendable {
    case plugins, state, config, isolation
    case maxCycles = "max-cycles"
    case until
    case exitWhenIdle = "exit-when-idle"
    case grace
    case logFormat = "log-format"
    case logLevel = "log-level"
    case allowUnsafePermissions = "allow-unsafe-permissions"
    case noCrashReports = "no-crash-reports"
    case zone, from, count, dst
    case quick, sandbox, language, plugin, routine, failed, last, format, show, key
    case all, json, listen, output, sort, interval
    case listenAnywhere = "listen-anywhere"
    case listenName = "listen-name"
    case metricsFile = "metrics-file"
    case poll, markdown
    case parameter = "param"
    case instance, cycles, seed
    case forTime = "for"
    case untilFailure = "until-failure"
    case follow, level, to, fleet
}

/// The type of an option's value.
public enum ValueKind: Equatable, Sendable {
    /// Any text, including the empty one.
    case text
    /// Any text; completions offer plugin ids, routine names or session ids.
    case plugin, routine, session
    /// The path of a directory or file; completions offer paths.
    case directory, file
    /// A whole number from 1 to `most`.
    case count(most: Int64)
    /// A duration of at most `mostMs` ms.
    case duration(mostMs: Int64)
    /// A point in time in the future.
    case time
    /// A point in time, past or future.
    case moment
    /// One of the given words.
    case choice([String])
    /// A numeric IP address or `localhost`, with a port.
    case address
}

/// The specification of a command, which drives parsing, help texts, the manual page and completions.
public struct CommandSpecification: Equatable, Sendable {
    /// Its name.
    public var name: CommandName
    /// The operands in the synopsis, such as `FILE...`; empty if the command takes none.
    public var operands = ""
    /// The permitted number of operands.
    public var operandCount = 0...0
    /// The permitted words for the first operand; empty permits any.
    public var firstOperand: [String] = []
    /// The permitted words for the second operand, by the first one; any word if the first one has no entry.
    public var secondOperand: [String: [String]] = [:]
    /// A one-line description for the list of commands.
    public var summary: String
    /// Whether operands, at least those after the first one, are ids of plugins or routines.
    public var takesIdentifiers: Bool { operands.contains("ID") || operands.contains("PLUGIN") }
    /// The full description, one paragraph each.
    public var details: [String] = []
    /// The options of the command; `--help` is available in addition.
    public var options: [OptionSpecification] = []
    /// Command lines with explanations.
    public var examples: [Example] = []

    /// An example.
    public struct Example: Equatable, Sendable {
        /// The command line.
        public var line: String
        /// What the command line does.
        public var purpose: String
    }
}

/// All commands.
public enum CommandTable {
    /// The name of the program.
    public static let program = "schedhost"

    /// A one-line description of the program.
    public static let summary = "runs the routines of plugins again and again, each plugin in a process of its own"

    /// The commands, in the order of the help text. The parser, the help and the completions know only these.
    public static let commands: [CommandSpecification] = [
        run, list, check, trial, calendar, records, cache, status, why, cluster, logs, top, metrics, report, runNow,
        pause,
        resume, restart,
        stop,
        reload,
        logLevel, new, completion, man, help, version,
    ]

    /// The specification of the command with that name.
    public static func specification(of name: CommandName) -> CommandSpecification {
        switch name {
        case .run: run
        case .list: list
        case .check: check
        case .trial: trial
        case .calendar: calendar
        case .records: records
        case .cache: cache
        case .status: status
        case .why: why
        case .cluster: cluster
        case .logs: logs
        case .metrics: metrics
        case .top: top
        case .report: report
        case .runNow: runNow
        case .pause: pause
        case .resume: resume
        case .restart: restart
        case .stop: stop
        case .reload: reload
        case .logLevel: logLevel
        case .new: new
        case .completion: completion
        case .man: man
        case .help: help
        case .version: version
        }
    }

    private static let plugins = OptionSpecification(
        .plugins, .directory, "DIR", isRequired: true, "the directory with the plugins' .so files")
    static let state = OptionSpecification(
        .state, .directory, "DIR",
        "where records and caches are kept; else $STATE_DIRECTORY, $XDG_STATE_HOME/schedhost or ~/.local/state/schedhost"
    )
    private static let config = OptionSpecification(
        .config, .file, "FILE", "the host's configuration; else schedhost.json5 in the plugins directory")
    private static let unsafePermissions = OptionSpecification(
        flag: .allowUnsafePermissions, "take plugins and directories that other users can write")

    private static let run = CommandSpecification(
        name: .run, summary: "run the plugins of a directory (the default, when only options are given)",
        details: [
            "Runs every routine of every plugin in the directory on its interval until it is done or stopped. "
                + "SIGINT and SIGTERM stop gracefully, a second one at once; both leave complete records.",
            "With --exit-when-idle the exit status is 1 when a session has failed.",
        ],
        options: [
            plugins, state, config,
            OptionSpecification(
                .isolation, .choice(Isolation.allCases.map(\.rawValue)), "LEVEL",
                "one worker process for each plugin (the default) or routine, or one shared by all"),
            OptionSpecification(.maxCycles, .count(most: .max), "N", "end each session after N cycles"),
            OptionSpecification(
                .until, .time, "TIME",
                "end all sessions then: 2026-11-24T18:30:00Z, 18:30 (local time), +90s, +10m, +2h"),
            OptionSpecification(flag: .exitWhenIdle, "end when no routine is left to run"),
            OptionSpecification(
                .grace, .duration(mostMs: 86_400_000), "TIME",
                "how long a running cycle may go on after a stop: 10, 1.5s, 500ms, 2m (10 s by default)"),
            OptionSpecification(
                .logFormat, .choice(LogFormat.allCases.map(\.rawValue)), "FORMAT",
                "the log's form, text by default"),
            OptionSpecification(
                .logLevel, .choice(LogLevel.allCases.map(\.rawValue)), "LEVEL",
                "the least level that is logged, info by default"),
            OptionSpecification(
                flag: .noCrashReports,
                "keep no crash reports: a crash is over sooner, and only its function and line are known"),
            OptionSpecification(
                .listen, .address, "ADDRESS:PORT",
                "serve a page and metrics over HTTP, such as at 127.0.0.1:9800, or unix:PATH for a socket that only this user opens"
            ),
            OptionSpecification(flag: .listenAnywhere, "let --listen take an address that other machines can reach"),
            OptionSpecification(
                .listenName, .text, "NAME", isRepeatable: true,
                "a name under which other machines reach the page, beside this machine's own; can be repeated"),
            OptionSpecification(
                .metricsFile, .file, "FILE",
                "replace this file by the metrics every 10 s, for Prometheus's node_exporter"),
            OptionSpecification(
                flag: .poll,
                "look for changed plugins and settings every 2 s: for file systems that do not tell of changes"),
            unsafePermissions,
        ],
        examples: [
            .init(line: "schedhost --plugins ./Plugins", purpose: "run until stopped"),
            .init(
                line: "schedhost --plugins ./Plugins --max-cycles 3 --exit-when-idle",
                purpose: "three cycles of each, then end"),
        ])

    private static let list = CommandSpecification(
        name: .list, summary: "show what each plugin offers, or why it is refused",
        details: [
            "Shows plugins, routines, parameters and settings of a directory, and runs no routine. Of the settings those are "
                + "shown that the plugin, a file or the command line has set. Exit status 1: a file is refused, or its "
                + "configuration is wrong."
        ],
        options: [
            plugins, config, OptionSpecification(flag: .all, "show every setting, also what is as built in"), json,
            unsafePermissions,
        ])

    private static let check = CommandSpecification(
        name: .check, operands: "[FILE...]", operandCount: 0...1000,
        summary: "say whether a file is a good plugin or configuration",
        details: [
            "Runs each plugin in processes of its own: every routine's whole life, twice, and 1000 cycles back to back. "
                + "What the routines do is real. Says what the plugin registers, where it crashes, hangs or leaks, and "
                + "whether it takes functions of a newer host without asking. Files that end in .json5 are read as "
                + "configurations, and compared with the plugins beside them. Exit status 0: all are good."
        ],
        options: [
            OptionSpecification(.config, .file, "FILE", "check this configuration of the host"),
            OptionSpecification(flag: .quick, "only read what each plugin says of itself, and run no routine"),
            OptionSpecification(
                flag: .sandbox,
                "only run a few cycles, and print the sandbox {} that the plugin's configuration would need"),
            json,
        ],
        examples: [
            .init(line: "schedhost check libhello.so", purpose: "before it goes into the plugins directory"),
            .init(
                line: "schedhost check --sandbox Plugins/hello.so", purpose: "what its configuration has to allow it"),
            .init(line: "schedhost check --config Plugins/schedhost.json5", purpose: "before the host reads it"),
        ])

    private static let calendar = CommandSpecification(
        name: .calendar, operands: "TEXT...", operandCount: 1...16,
        summary: "show what a schedule means, and its next times",
        details: [
            "TEXT is a calendar as systemd writes it, [DAYS] [YEAR-MONTH-DAY] [HOUR:MINUTE[:SECOND]], or the five fields of "
                + "cron; either may end with a time zone. In both, lists (1,3), steps (0/15, */15) and * are understood; "
                + "ranges are Mon..Fri or 1..5 in a calendar, 1-5 in cron. A day counted from the month's end: *-*~1.",
            "An hour that is named happens once a day: what is named in the hour that the clocks skip comes at its end, and "
                + "of an hour that comes twice the first counts. What names every hour is a cadence, and goes on. With "
                + "--dst skip the first kind is lost; with --dst wall also the second kind comes twice.",
        ],
        options: [
            OptionSpecification(.zone, .text, "ZONE", "the zone of a schedule that names none; else this machine's"),
            OptionSpecification(
                .from, .moment, "TIME",
                "the times after this: 2026-11-24T18:30:00Z, 18:30 (local time), +2h; else after now"),
            OptionSpecification(.count, .count(most: 10_000), "N", "how many, 5 by default"),
            OptionSpecification(
                .dst, .choice(DaylightSaving.allCases.map(\.rawValue)), "HOW",
                "what happens when the clocks are set, once by default"),
            json,
        ],
        examples: [
            .init(line: "schedhost calendar 'Mon..Fri 09:30 Europe/Berlin'", purpose: "working days"),
            .init(line: "schedhost calendar '*-*~1 18:00'", purpose: "the last day of each month"),
            .init(line: "schedhost calendar '30 9 * * 1-5' --zone UTC --json", purpose: "for other tools"),
        ])

    private static let records = CommandSpecification(
        name: .records, summary: "show the records of finished sessions",
        details: [
            "With --fleet those of all hosts of the running host's cluster: the newest 64 of each, also of hosts that have died, as "
                + "each has put them into the cluster's store within a second or two. A large record is there without its stats. "
                + "At most 1000 are chosen from, and what is said of the view's age goes to standard error."
        ],
        options: [
            OptionSpecification(.plugin, .plugin, "ID", "only those of this plugin"),
            OptionSpecification(.routine, .routine, "NAME", "only those of routines of this name"),
            OptionSpecification(flag: .failed, "only those of sessions that failed"),
            OptionSpecification(.last, .count(most: 10_000_000), "N", "only the newest N"),
            OptionSpecification(flag: .fleet, "those of all hosts of the cluster, as a running host reads them"),
            OptionSpecification(
                .format, .choice(RecordTable.Format.allCases.map(\.rawValue)), "FORMAT", "the form, table by default"),
            OptionSpecification(.show, .session, "SESSION", "all of one record, and its crash report"),
            OptionSpecification(flag: .json, "the same as --format json, also with --show"), state,
        ],
        examples: [
            .init(line: "schedhost records --failed --last 10", purpose: "what went wrong of late"),
            .init(line: "schedhost records --format json | jq '.[].reason.kind'", purpose: "for other tools"),
        ])

    private static let cache = CommandSpecification(
        name: .cache, operands: "ACTION [PLUGIN[/ROUTINE] [NAME]]", operandCount: 1...3,
        firstOperand: CacheCommandOptions.Action.allCases.map(\.rawValue),
        summary: "list, show, get or clear the routines' caches on disk",
        details: [
            "list shows the caches, of all routines or of one plugin or routine; show one of them; get writes its value to "
                + "the standard output; clear removes them, also what "
                + "the workers of a running host hold of them in memory, and those that its cluster shares from the cluster's "
                + "store; other hosts keep what they have until it expires. show and get want PLUGIN/ROUTINE and NAME, clear wants a "
                + "PLUGIN or --all. With PLUGIN and NAME it is a cache that the plugin's routines share."
        ],
        options: [
            OptionSpecification(.key, .text, "KEY", "the value of this key, of a cache with keys"),
            OptionSpecification(flag: .all, "clear the caches of all plugins"),
            OptionSpecification(
                .format, .choice(CacheCommandOptions.Format.allCases.map(\.rawValue)), "FORMAT",
                "the form of list, show and what clear says, table by default"),
            OptionSpecification(flag: .json, "the same as --format json"), state,
        ])

    private static let new = CommandSpecification(
        name: .new, operands: "NAME", operandCount: 1...1, summary: "write the beginning of a plugin",
        details: [
            "Makes a folder NAME with a plugin that builds with make, runs with make run and is tested with make test, and a README. Nothing that "
                + "exists is overwritten."
        ],
        options: [
            OptionSpecification(
                .language, .choice(NewOptions.Language.allCases.map(\.rawValue)), "LANGUAGE", "c by default")
        ],
        examples: [.init(line: "schedhost new market-poller --language swift", purpose: "a plugin in Swift")])

    private static let completion = CommandSpecification(
        name: .completion, operands: "SHELL", operandCount: 1...1,
        firstOperand: Shell.allCases.map(\.rawValue) + WordsOptions.Kind.allCases.map(\.rawValue),
        summary: "print the completions for a shell",
        details: [
            "The scripts offer what a running host has: they ask by completion ids, plugins, routines or sessions, which "
                + "print a word a line, with what it is after a tab. Where no host runs these print nothing."
        ],
        options: [state],
        examples: [.init(line: "source <(schedhost completion bash)", purpose: "for this shell")])

    private static let man = CommandSpecification(
        name: .man, operands: "[PAGE]", operandCount: 0...1, firstOperand: ManualPage.Page.allCases.map(\.rawValue),
        summary: "print a manual page, for man -l -",
        details: [
            "PAGE is schedhost, the default, or schedhost.json5, the reference of the configuration. Those who install the "
                + "program have both: man schedhost, man schedhost.json5."
        ],
        examples: [.init(line: "schedhost man schedhost.json5 | man -l -", purpose: "the keys of a configuration")])

    /// The operand of `help` that selects the configuration.
    static let configurationTopic = "config"

    private static let help = CommandSpecification(
        name: .help, operands: "[COMMAND | config [KEY]]", operandCount: 0...2,
        firstOperand: CommandName.allCases.map(\.rawValue) + [configurationTopic],
        secondOperand: [configurationTopic: ConfigurationHelp.words],
        summary: "show this, or the help of a command or of the configuration",
        details: [
            "config shows every key of a configuration: what it does, its type, unit, range and default, where it may be set, "
                + "and an example. KEY is one of them, or an object such as restart."
        ],
        options: [
            OptionSpecification(flag: .markdown, "with config, the keys as tables for a README")
        ],
        examples: [
            .init(line: "schedhost help config timeout_ms", purpose: "one key"),
            .init(line: "schedhost help config limits", purpose: "the keys of limits {}"),
        ])

    private static let version = CommandSpecification(
        name: .version, summary: "show the version", options: [json])
}

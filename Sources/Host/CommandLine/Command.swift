public import HostPolicy
public import HostValues
public import HostViews
public import HostWire

/// What a command line asks for.
public enum Command: Equatable, Sendable {
    case run(RunOptions)
    case list(ListOptions)
    case check(CheckOptions)
    /// One plugin in the foreground.
    case trial(TryOptions)
    case records(RecordsOptions)
    case cache(CacheCommandOptions)
    /// `status` and what changes a running host.
    case operate(OperateOptions)
    /// Why routines do not run; the action is `status`.
    case why(OperateOptions)
    case logs(LogsOptions)
    /// What a schedule means.
    case calendar(CalendarOptions)
    case metrics(ClientOptions)
    case top(TopOptions)
    case report(ReportOptions)
    case new(NewOptions)
    case completion(Shell)
    /// What a shell offers for an operand or a value.
    case words(WordsOptions)
    case man(ManualPage.Page)
    /// The help of one command, or of all.
    case help(CommandName?)
    /// The reference of the configuration's keys.
    case configurationHelp(ConfigurationHelp.Subject)
    case version(isJSON: Bool)
}

/// The commands by name, in the order of the help text.
public enum CommandName: String, CaseIterable, Sendable {
    case run, list, check
    case trial = "try"
    case calendar, records, cache, status, why, logs, top, metrics, report
    case runNow = "run-now"
    case pause, resume, restart, stop, reload
    case logLevel = "log-level"
    case new, completion, man, help, version
}

/// Shells for which there are completions.
public enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
}

/// Options of `schedhost completion` when it is asked for words.
public struct WordsOptions: Equatable, Sendable {
    /// Which words.
    public enum Kind: String, CaseIterable, Sendable {
        /// Plugins and routines of the running host.
        case ids
        /// Plugins of the running host.
        case plugins
        /// Names of routines of the running host, without their plugins.
        case routines
        /// The newest sessions that ended.
        case sessions
    }

    /// Which words.
    public var kind: Kind
    /// The state directory.
    public var state: String?

    /// Those words.
    public init(_ kind: Kind, state: String?) {
        self.kind = kind
        self.state = state
    }
}

/// Options of `schedhost new`.
public struct NewOptions: Equatable, Sendable {
    /// The languages in which there is a beginning.
    public enum Language: String, CaseIterable, Sendable {
        case c, swift
    }

    /// The plugin's id, and the name of its folder.
    public var name: String
    /// Its language.
    public var language: Language

    /// A plugin of that name.
    public init(name: String, language: Language) {
        self.name = name
        self.language = language
    }
}

/// Options of `schedhost run`. Nil: not given, so the configuration or the default decides.
public struct RunOptions: Equatable, Sendable {
    /// The plugins directory.
    public var plugins = ""
    /// The state directory.
    public var state: String?
    /// The configuration file.
    public var config: String?
    /// How routines share workers.
    public var isolation: Isolation?
    /// Cycles of each session, from 1.
    public var maxCycles: UInt64?
    /// When sessions end, UTC in ms since 1970.
    public var untilMs: Int64?
    /// Whether the host ends when nothing is left to run.
    public var exitWhenIdle = false
    /// The form of the log.
    public var logFormat = LogFormat.text
    /// The least level that is logged.
    public var logLevel = LogLevel.info
    /// How long a running cycle may go on after a stop, in ms.
    public var graceMs: Int64 = 10_000
    /// Whether a crash leaves a report.
    public var keepsCrashReports = true
    /// Whether plugins are taken that other users can write.
    public var allowUnsafePermissions = false
    /// Where the page and the metrics are served.
    public var listen: ListenAddress?
    /// Whether others than this machine may be served.
    public var listenAnywhere = false
    /// A file that is replaced by the metrics every 10 s.
    public var metricsFile: String?
    /// `--poll`.
    public var polls = false

    /// The defaults.
    public init() {}
}

/// Options of `schedhost list`.
public struct ListOptions: Equatable, Sendable {
    /// The plugins directory.
    public var plugins = ""
    /// The configuration file.
    public var config: String?
    /// See `RunOptions`.
    public var allowUnsafePermissions = false
    /// Whether settings are shown that nobody has set.
    public var isWhole = false
    /// Whether it is shown as JSON, which has all of them.
    public var isJSON = false

    /// The defaults.
    public init() {}
}

/// Options of `schedhost check`.
public struct CheckOptions: Equatable, Sendable {
    /// Plugin and configuration files.
    public var files: [String]
    /// The host's configuration file.
    public var config: String?
    /// Whether no routine is run.
    public var isQuick = false
    /// Whether it is only said what each plugin does that its sandbox refuses.
    public var asksForSandbox = false
    /// Whether the findings are shown as JSON.
    public var isJSON = false

    /// A check of these files.
    public init(files: [String]) { self.files = files }
}

/// Options of `schedhost calendar`.
public struct CalendarOptions: Equatable, Sendable {
    /// The schedule.
    public var text: String
    /// The zone that it is meant in, if it names none; nil: the machine's.
    public var zone: String?
    /// The next times are after this, UTC in ms since 1970; nil: after now.
    public var fromMs: Int64?
    /// How many.
    public var count = 5
    /// What happens when the clocks are set.
    public var dst = DaylightSaving.once
    /// Whether they are shown as JSON.
    public var isJSON = false

    /// The next times of a schedule.
    public init(text: String) { self.text = text }
}

/// Options of `schedhost records`.
public struct RecordsOptions: Equatable, Sendable {
    /// The state directory.
    public var state: String?
    /// Only this plugin's.
    public var plugin: String?
    /// Only this routine's.
    public var routine: String?
    /// Only failed sessions.
    public var failedOnly = false
    /// Only the newest so many, from 1.
    public var last: Int?
    /// The form of the output.
    public var format = RecordTable.Format.table
    /// The session whose record is shown whole; the others are not.
    public var show: SessionID?

    /// The defaults.
    public init() {}

    /// Whether a record is asked for; the number of them is the caller's to count.
    public func matches(_ record: SessionRecord) -> Bool {
        (plugin.map { InstanceName.isMeant(record.plugin, by: $0) } ?? true)
            && (routine.map { $0 == record.routine } ?? true)
            && (!failedOnly || record.reason.isFailure)
    }
}

/// Options of `schedhost cache`.
public struct CacheCommandOptions: Equatable, Sendable {
    /// What to do with caches.
    public enum Action: String, CaseIterable, Sendable {
        case list, show, get, clear
    }

    /// The forms of output.
    public enum Format: String, CaseIterable, Sendable {
        case table, json
    }

    /// What to do.
    public var action: Action
    /// Only this plugin's caches. With `show` and `get` always there.
    public var plugin: String?
    /// Only this routine's. With `show` and `get` always there.
    public var routine: String?
    /// The cache's name, which may be empty. With `show` and `get` always there.
    public var name: String?
    /// The key of one value; nil: the unkeyed value, or with `clear` all of them.
    public var key: String?
    /// The state directory.
    public var state: String?
    /// The form of the output of `list` and `show`.
    public var format = Format.table

    /// That action on all caches.
    public init(_ action: Action) { self.action = action }
}

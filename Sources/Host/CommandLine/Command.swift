public import HostPolicy
public import HostValues
public import HostViews
public import HostWire

/// A parsed command line.
public enum Command: Equatable, Sendable {
    case run(RunOptions)
    case list(ListOptions)
    case check(CheckOptions)
    /// Runs one plugin in the foreground.
    case trial(TryOptions)
    case records(RecordsOptions)
    case cache(CacheCommandOptions)
    /// `status`, or a command that changes a running host.
    case operate(OperateOptions)
    /// Explains why routines are not running; the action is `status`.
    case why(OperateOptions)
    /// Shows the hosts of the running host's cluster, and who holds what.
    case cluster(ClusterOptions)
    case logs(LogsOptions)
    /// Shows the next times of a schedule.
    case calendar(CalendarOptions)
    case metrics(ClientOptions)
    case top(TopOptions)
    case report(ReportOptions)
    case new(NewOptions)
    case completion(Shell)
    /// Lists the words that a shell offers for an operand or a value.
    case words(WordsOptions)
    case man(ManualPage.Page)
    /// Shows the help of one command, or of all.
    case help(CommandName?)
    /// Shows the reference of the configuration's keys.
    case configurationHelp(ConfigurationHelp.Subject)
    case version(isJSON: Bool)
}

/// The names of the commands, in the order of the help text.
public enum CommandName: String, CaseIterable, Sendable {
    case run, list, check
    case trial = "try"
    case calendar, records, cache, status, why, cluster, logs, top, metrics, report
    case runNow = "run-now"
    case pause, resume, restart, stop, reload
    case logLevel = "log-level"
    case new, completion, man, help, version
}

/// The shells that have completion scripts.
public enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
}

/// Options of `schedhost completion` when it lists words.
public struct WordsOptions: Equatable, Sendable {
    /// The kinds of words.
    public enum Kind: String, CaseIterable, Sendable {
        /// Plugins and routines of the running host.
        case ids
        /// Plugins of the running host.
        case plugins
        /// Names of routines of the running host, without their plugins.
        case routines
        /// The newest sessions that have ended.
        case sessions
    }

    /// The kind of words to list.
    public var kind: Kind
    /// The state directory.
    public var state: String?

    /// Creates options for that kind of words.
    public init(_ kind: Kind, state: String?) {
        self.kind = kind
        self.state = state
    }
}

/// Options of `schedhost new`.
public struct NewOptions: Equatable, Sendable {
    /// The languages that have a template.
    public enum Language: String, CaseIterable, Sendable {
        case c, swift
    }

    /// The plugin's id, which is also the name of its directory.
    public var name: String
    /// The language of the template.
    public var language: Language

    /// Creates options for a plugin with that name.
    public init(name: String, language: Language) {
        self.name = name
        self.language = language
    }
}

/// Options of `schedhost run`. Nil means that the option was not given, so that the configuration or the default
/// decides.
public struct RunOptions: Equatable, Sendable {
    /// The plugins directory.
    public var plugins = ""
    /// The state directory.
    public var state: String?
    /// The configuration file.
    public var config: String?
    /// How routines share workers.
    public var isolation: Isolation?
    /// The maximum number of cycles of each session, from 1.
    public var maxCycles: UInt64?
    /// The end time of sessions, in ms since 1970, UTC.
    public var untilMs: Int64?
    /// Whether the host exits when nothing is left to run.
    public var exitWhenIdle = false
    /// The format of the log.
    public var logFormat = LogFormat.text
    /// The lowest level that is logged.
    public var logLevel = LogLevel.info
    /// How long running cycles may continue after a stop, in ms.
    public var graceMs: Int64 = 10_000
    /// Whether a crash produces a report.
    public var keepsCrashReports = true
    /// Whether plugins are accepted although other users can write to them.
    public var allowUnsafePermissions = false
    /// The address at which the page and the metrics are served.
    public var listen: ListenAddress?
    /// Whether `listen` may be an address that other machines can reach.
    public var listenAnywhere = false
    /// The names under which other machines reach it.
    public var listenNames: [String] = []
    /// A file that is replaced with the current metrics every 10 s.
    public var metricsFile: String?
    /// Whether changes of the plugins directory are found by polling.
    public var polls = false

    /// Creates options with their defaults.
    public init() {}
}

/// Options of `schedhost list`.
public struct ListOptions: Equatable, Sendable {
    /// The plugins directory.
    public var plugins = ""
    /// The configuration file.
    public var config: String?
    /// Whether plugins are accepted although other users can write to them.
    public var allowUnsafePermissions = false
    /// Whether settings that have only their built-in values are shown too.
    public var isWhole = false
    /// Whether the output is JSON, which always includes all settings.
    public var isJSON = false

    /// Creates options with their defaults.
    public init() {}
}

/// Options of `schedhost check`.
public struct CheckOptions: Equatable, Sendable {
    /// The plugin files and configuration files to check.
    public var files: [String]
    /// The host's configuration file.
    public var config: String?
    /// Whether routines are not run.
    public var isQuick = false
    /// Whether the check only reports which operations of a plugin its sandbox refuses.
    public var asksForSandbox = false
    /// Whether the findings are shown as JSON.
    public var isJSON = false

    /// Creates options for a check of these files.
    public init(files: [String]) { self.files = files }
}

/// Options of `schedhost calendar`.
public struct CalendarOptions: Equatable, Sendable {
    /// The schedule.
    public var text: String
    /// The time zone of a schedule that names none; nil means the machine's zone.
    public var zone: String?
    /// The time after which the shown times begin, in ms since 1970, UTC; nil means now.
    public var fromMs: Int64?
    /// The number of times to show.
    public var count = 5
    /// How to treat times that daylight saving skips or repeats.
    public var dst = DaylightSaving.once
    /// Whether the times are shown as JSON.
    public var isJSON = false

    /// Creates options for the next times of a schedule.
    public init(text: String) { self.text = text }
}

/// Options of `schedhost records`.
public struct RecordsOptions: Equatable, Sendable {
    /// The state directory.
    public var state: String?
    /// Show only records of this plugin.
    public var plugin: String?
    /// Show only records of this routine.
    public var routine: String?
    /// Whether only failed sessions are shown.
    public var failedOnly = false
    /// Show only this number of newest records, from 1.
    public var last: Int?
    /// The output format.
    public var format = RecordTable.Format.table
    /// The session to show in full; other records are then not shown.
    public var show: SessionID?
    /// Whether the records of all hosts of the cluster are shown, as the running host reads them.
    public var isOfFleet = false

    /// Creates options with their defaults.
    public init() {}

    /// Whether a record passes the filters. The caller applies the limit on their number.
    public func matches(_ record: SessionRecord) -> Bool {
        (plugin.map { InstanceName.matches(record.plugin, by: $0) } ?? true)
            && (routine.map { $0 == record.routine || $0 == RoutineShard.split(record.routine).routine } ?? true)
            && (!failedOnly || record.reason.isFailure)
    }
}

/// Options of `schedhost cache`.
public struct CacheCommandOptions: Equatable, Sendable {
    /// The actions on caches.
    public enum Action: String, CaseIterable, Sendable {
        case list, show, get, clear
    }

    /// The output formats.
    public enum Format: String, CaseIterable, Sendable {
        case table, json
    }

    /// The action.
    public var action: Action
    /// Restricts the action to this plugin's caches. `show` and `get` always have a plugin.
    public var plugin: String?
    /// Restricts the action to this routine's caches, or to those that the plugin's routines share. `show` and `get` always
    /// have a routine.
    public var routine: String?
    /// In the place of a routine the caches that the plugin's routines share.
    public static let shared = ""
    /// The name of the cache, which may be empty. `show` and `get` always have a name.
    public var name: String?
    /// The key of one value; nil means the unkeyed value, or for `clear` all values.
    public var key: String?
    /// The state directory.
    public var state: String?
    /// The output format of `list` and `show`.
    public var format = Format.table

    /// Creates options for an action on all caches.
    public init(_ action: Action) { self.action = action }
}

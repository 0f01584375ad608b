public import HostPolicy
public import HostValues
public import HostWire

/// How a host is run.
public struct HostOptions: Sendable {
    /// The directory of the plugins.
    public var plugins: String
    /// The state directory.
    public var state: String
    /// `schedhost.json5`; nil: the one in the plugins directory, if there is one.
    public var configuration: String?
    /// What the command line sets for all routines.
    public var overrides = ConfigurationLayer()
    /// Whether the host ends when nothing runs and nothing will.
    public var exitsWhenIdle = false
    /// Grace of a running cycle at a stop, ns.
    public var grace: Int64 = 10_000_000_000
    /// Whether files that others can write are taken.
    public var allowsUnsafePermissions = false
    /// Whether a crash leaves a report.
    public var keepsReports = true
    /// Lines from this level on are shown.
    public var logLevel = LogLevel.info
    /// The form of the log.
    public var logFormat = LogFormat.text
    /// Where the page and the metrics are served; nil: nowhere.
    public var listen: ListenAddress?
    /// Whether others than this machine may be served.
    public var listensAnywhere = false
    /// A file that is replaced by the metrics every 10 s.
    public var metricsFile: String?
    /// Whether changes of the plugins directory are looked for, also where the system tells of them.
    public var polls = false

    /// The defaults for these directories.
    public init(plugins: String, state: String) {
        self.plugins = plugins
        self.state = state
    }
}

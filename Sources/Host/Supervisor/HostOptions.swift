public import HostPolicy
public import HostValues
public import HostWire

/// The options of a host.
public struct HostOptions: Sendable {
    /// The path of the plugins directory.
    public var plugins: String
    /// The path of the state directory.
    public var state: String
    /// The path of the host's configuration file; nil means `schedhost.json5` in the plugins directory, if it exists.
    public var configuration: String?
    /// The settings of the command line, which apply to all routines.
    public var overrides = ConfigurationLayer()
    /// Whether the host ends when nothing runs and nothing will.
    public var exitsWhenIdle = false
    /// The time in ns that running cycles get at a stop.
    public var grace: Int64 = 10_000_000_000
    /// Whether plugins and configurations that other users can write are accepted.
    public var allowsUnsafePermissions = false
    /// Whether crashes leave reports.
    public var keepsReports = true
    /// The minimum level of log lines.
    public var logLevel = LogLevel.info
    /// The format of the log.
    public var logFormat = LogFormat.text
    /// The address of the page and the metrics; nil if they are not served.
    public var listen: ListenAddress?
    /// Whether other machines may be served.
    public var listensAnywhere = false
    /// The names under which other machines reach the page, in addition to this machine's name.
    public var listenNames: [String] = []
    /// A file that is replaced with the current metrics every 10 s.
    public var metricsFile: String?
    /// Whether the plugins directory is polled, even if the system reports changes.
    public var polls = false

    /// Makes the default options for these directories.
    public init(plugins: String, state: String) {
        self.plugins = plugins
        self.state = state
    }
}

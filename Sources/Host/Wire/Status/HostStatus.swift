/// A snapshot of a running host, as the control socket, the page and the metrics present it.
public struct HostStatus: Equatable, Sendable {
    /// A plugin file.
    public struct Plugin: Equatable, Sendable {
        /// The plugin's id, or while that is unknown the name of the file without its extension.
        public var id: String
        /// The name of the file.
        public var file: String
        /// The plugin's version; empty while it is unknown.
        public var version: String
        /// `loading`, `ready` or `refused`.
        public var state: String
        /// Why the plugin is refused; nil otherwise.
        public var why: String?
        /// The number of its routines.
        public var routines: Int

        /// Creates the status of a plugin.
        public init(id: String, file: String, version: String, state: String, why: String?, routines: Int) {
            self.id = id
            self.file = file
            self.version = version
            self.state = state
            self.why = why
            self.routines = routines
        }
    }

    /// A worker process.
    public struct Worker: Equatable, Sendable {
        /// Its process id.
        public var pid: Int32
        /// The name of what it serves: a plugin or a routine; `shared` for a shared worker.
        public var name: String
        /// How long it has been running, in ms.
        public var uptimeMs: Int64
        /// The number of its sessions.
        public var sessions: Int
        /// Resident memory in bytes; nil if the kernel does not report it.
        public var residentBytes: UInt64?
        /// Processor time, user and system together, in ms.
        public var cpuMs: UInt64?
        /// The mode of its sandbox: `off`, `on` or `required`.
        public var sandbox = "off"
        /// Its limits.
        public var limits: [Limit] = []

        /// A limit, and the mechanism that enforces it.
        public struct Limit: Equatable, Sendable {
            /// The setting's name within `limits`.
            public var name: String
            /// The configured value.
            public var value: UInt64
            /// The mechanism.
            public var by: String
            /// The limit as text.
            public var text: String

            /// Creates a limit.
            public init(_ name: String, _ value: UInt64, by: String, text: String) {
                self.name = name
                self.value = value
                self.by = by
                self.text = text
            }
        }

        /// Creates the status of a worker.
        public init(pid: Int32, name: String, uptimeMs: Int64, sessions: Int) {
            self.pid = pid
            self.name = name
            self.uptimeMs = uptimeMs
            self.sessions = sessions
        }
    }

    /// The host's version.
    public var version: String
    /// The host's process id.
    public var pid: Int32
    /// The machine's name.
    public var host: String
    /// When the snapshot was taken, in ms since 1970, UTC.
    public var nowMs: Int64
    /// When the host started, in ms since 1970, UTC.
    public var startMs: Int64
    /// How long the host has been running, in ms.
    public var uptimeMs: Int64
    /// The path of the plugins directory.
    public var pluginsPath: String
    /// The path of the state directory.
    public var statePath: String
    /// The lowest level that is logged.
    public var logLevel: String
    /// Whether the host is shutting down.
    public var isStopping = false
    /// Whether every plugin file has been inspected.
    public var isReady = false
    /// Resident memory of the supervisor, in bytes.
    public var residentBytes: UInt64?
    /// Processor time of the supervisor, in ms.
    public var cpuMs: UInt64?
    /// The version of the Landlock ABI on this machine; 0 if there is none.
    public var sandboxABI: Int32 = 0
    /// The restrictions that sandboxes cannot enforce on this machine.
    public var sandboxGaps: [String] = []
    /// The host's part in its cluster; nil if it is in none.
    public var cluster: ClusterStatus?
    /// The plugin files, by name.
    public var plugins: [Plugin] = []
    /// The configuration files that are refused, the host's own first.
    public var refusedConfigurations: [RefusedConfiguration] = []
    /// The worker processes, by process id.
    public var workers: [Worker] = []
    /// The routines, by id.
    public var routines: [RoutineStatus] = []

    /// Creates the status of a host without plugins.
    public init(
        version: String, pid: Int32, host: String, nowMs: Int64, startMs: Int64, uptimeMs: Int64, pluginsPath: String,
        statePath: String, logLevel: String
    ) {
        self.version = version
        self.pid = pid
        self.host = host
        self.nowMs = nowMs
        self.startMs = startMs
        self.uptimeMs = uptimeMs
        self.pluginsPath = pluginsPath
        self.statePath = statePath
        self.logLevel = logLevel
    }

    /// The status reduced to the routines with these ids.
    public func only(_ identifiers: Set<String>) -> HostStatus {
        var copy = self
        copy.routines = routines.filter { identifiers.contains($0.identifier) }
        return copy
    }
}

/// What a running host says of itself: one moment, as the control socket, the page and the metrics have it.
public struct HostStatus: Equatable, Sendable {
    /// One plugin file.
    public struct Plugin: Equatable, Sendable {
        /// The plugin's id, or before it is known the file's name without its ending.
        public var id: String
        /// The file's name.
        public var file: String
        /// The plugin's version; empty while unknown.
        public var version: String
        /// `loading`, `ready` or `refused`.
        public var state: String
        /// Why it is refused, or nil.
        public var why: String?
        /// How many routines it has.
        public var routines: Int

        /// A plugin.
        public init(id: String, file: String, version: String, state: String, why: String?, routines: Int) {
            self.id = id
            self.file = file
            self.version = version
            self.state = state
            self.why = why
            self.routines = routines
        }
    }

    /// One worker process.
    public struct Worker: Equatable, Sendable {
        /// Its process id.
        public var pid: Int32
        /// What it serves: a plugin, a routine, or `shared`.
        public var name: String
        /// How long it runs, ms.
        public var uptimeMs: Int64
        /// Sessions in it.
        public var sessions: Int
        /// Resident memory, bytes; nil where the kernel does not say.
        public var residentBytes: UInt64?
        /// Processor time, user and system together, ms.
        public var cpuMs: UInt64?
        /// How strict its sandbox is: `off`, `on` or `required`.
        public var sandbox = "off"

        /// A worker.
        public init(pid: Int32, name: String, uptimeMs: Int64, sessions: Int) {
            self.pid = pid
            self.name = name
            self.uptimeMs = uptimeMs
            self.sessions = sessions
        }
    }

    /// The host's version.
    public var version: String
    /// Its process id.
    public var pid: Int32
    /// The machine's name.
    public var host: String
    /// The moment, UTC ms.
    public var nowMs: Int64
    /// The host's start, UTC ms.
    public var startMs: Int64
    /// How long it runs, ms.
    public var uptimeMs: Int64
    /// The plugins directory.
    public var pluginsPath: String
    /// The state directory.
    public var statePath: String
    /// The least level that is logged.
    public var logLevel: String
    /// Whether it is about to end.
    public var isStopping = false
    /// Whether every plugin file was looked at.
    public var isReady = false
    /// Its own resident memory, bytes.
    public var residentBytes: UInt64?
    /// Its own processor time, ms.
    public var cpuMs: UInt64?
    /// The version of Landlock on this machine; 0: there is none.
    public var sandboxABI: Int32 = 0
    /// What sandboxes cannot cover on this machine.
    public var sandboxGaps: [String] = []
    /// The plugin files, by name.
    public var plugins: [Plugin] = []
    /// The worker processes, by process id.
    public var workers: [Worker] = []
    /// The routines, by id.
    public var routines: [RoutineStatus] = []

    /// A host without plugins.
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

    /// With the routines of these ids only.
    public func only(_ identifiers: Set<String>) -> HostStatus {
        var copy = self
        copy.routines = routines.filter { identifiers.contains($0.identifier) }
        return copy
    }
}

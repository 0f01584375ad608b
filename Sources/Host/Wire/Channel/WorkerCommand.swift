public import HostValues

/// What the supervisor tells a worker: one JSON object a line.
public enum WorkerCommand: Equatable, Sendable {
    /// Load a plugin; answered by `loaded` or `refused`.
    case load(Load)
    /// Begin a session; answered by `ended` when it is over.
    case start(Start)
    /// End the session of a slot after the cycle in progress.
    case stop(slot: Int)
    /// Let the next cycle of a slot come now.
    case runNow(slot: Int)
    /// Let no cycle of a slot start until `resume`.
    case pause(slot: Int)
    /// Undo `pause`.
    case resume(slot: Int)
    /// The cycle begins that a slot's session wanted under that number.
    case go(slot: Int, number: UInt64)
    /// Let go of what the disk caches of a routine hold in memory: the files were removed.
    case dropCached(DropCached)
    /// Show log lines from this level on.
    case logLevel(Int32)
    /// End all sessions, unload, say `goodbye`, and exit.
    case quit

    /// A plugin to load.
    public struct Load: Equatable, Sendable {
        /// The number by which later messages name it, from 0.
        public var plugin: Int
        /// The file to load.
        public var path: String
        /// The name to use in messages: the file that the user knows.
        public var name: String
        /// The instance of the plugin that it is to be; nil: the plugin as itself.
        public var instance: String?
        /// All parameters as one JSON object.
        public var parameters: String
        /// Whether to call `load`; otherwise only the descriptor is read.
        public var isForRunning: Bool
        /// The build id, for what the caches write.
        public var build: String

        /// The folder of the disk caches; nil: there are none.
        public var caches: Caches?
        /// Whether other plugins may be loaded by the same worker.
        public var isShared: Bool

        /// A load.
        public init(
            plugin: Int, path: String, name: String, instance: String? = nil, parameters: String, isForRunning: Bool,
            build: String,
            caches: Caches? = nil, isShared: Bool = false
        ) {
            self.isShared = isShared
            self.instance = instance
            self.plugin = plugin
            self.path = path
            self.name = name
            self.parameters = parameters
            self.isForRunning = isForRunning
            self.build = build
            self.caches = caches
        }

        /// A folder with disk caches.
        public struct Caches: Equatable, Sendable {
            /// Whose caches are in it.
            public enum Scope: String, Sendable {
                /// All plugins', in folders by plugin and routine.
                case all
                /// One plugin's, in folders by routine.
                case plugin
                /// One routine's.
                case routine
            }

            /// Where it is.
            public var path: String
            /// Whose they are.
            public var scope: Scope

            /// A folder.
            public init(_ path: String, _ scope: Scope) {
                self.path = path
                self.scope = scope
            }
        }
    }

    /// Values of a routine's disk caches.
    public struct DropCached: Equatable, Sendable {
        /// The plugin's number.
        public var plugin: Int
        /// The routine's position in the plugin's description.
        public var routine: Int
        /// The cache; nil: all of them.
        public var name: String?
        /// The key, empty for the unkeyed value; nil: all of them.
        public var key: String?

        /// Values to let go of.
        public init(plugin: Int, routine: Int, name: String? = nil, key: String? = nil) {
            self.plugin = plugin
            self.routine = routine
            self.name = name
            self.key = key
        }
    }

    /// A session to begin.
    public struct Start: Equatable, Sendable {
        /// The slot of the ledger, unused so far or left by an ended session of the same routine.
        public var slot: Int
        /// The plugin's number.
        public var plugin: Int
        /// The routine's position in the plugin's description.
        public var routine: Int
        /// The session's id.
        public var session: SessionID
        /// Wait, ms.
        public var waitMs: UInt64
        /// Bound of cycles; 0: none.
        public var maxCycles: UInt64
        /// UTC ms from which no cycle starts, or nil.
        public var untilMs: Int64?
        /// What follows an error where no hook decides, and how often one cycle is tried.
        public var onError: ErrorDefault
        /// Cycles over all earlier records.
        public var lifetimeCycles: UInt64
        /// How the session before ended: a number of `SCHEDHOST_BEFORE_…`.
        public var before: UInt32
        /// All parameters as one JSON object.
        public var parameters: String
        /// Whether it begins paused.
        public var isPaused: Bool
        /// How its disk caches are kept; those of the first session hold for all of the worker.
        public var caches: CacheSettings
        /// When it runs, beside its wait.
        public var timing: RoutineTiming
        /// Whether each cycle waits for `go`.
        public var takesTurns: Bool

        /// A start.
        public init(
            slot: Int, plugin: Int, routine: Int, session: SessionID, waitMs: UInt64, maxCycles: UInt64,
            untilMs: Int64?, onError: ErrorDefault, lifetimeCycles: UInt64, before: UInt32, parameters: String,
            isPaused: Bool, caches: CacheSettings = CacheSettings(), timing: RoutineTiming = RoutineTiming(),
            takesTurns: Bool = false
        ) {
            self.takesTurns = takesTurns
            self.slot = slot
            self.plugin = plugin
            self.routine = routine
            self.session = session
            self.waitMs = waitMs
            self.maxCycles = maxCycles
            self.untilMs = untilMs
            self.onError = onError
            self.lifetimeCycles = lifetimeCycles
            self.before = before
            self.parameters = parameters
            self.isPaused = isPaused
            self.caches = caches
            self.timing = timing
        }
    }
}

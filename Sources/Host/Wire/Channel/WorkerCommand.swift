public import HostValues

/// A command from the supervisor to a worker: one JSON object a line.
public enum WorkerCommand: Equatable, Sendable {
    /// Seal the ledger's replicas with this. The first of all commands.
    case seal(LedgerKey)
    /// Enters the sandbox, whose ruleset has all rules now but for these. A worker with a sandbox runs no code of a plugin before.
    case confine([OwnRule])
    /// Loads a plugin; the worker answers `loaded` or `refused`, or `described` if only the description is wanted.
    case load(Load)
    /// Begins a session; the worker answers `ended` when the session is over.
    case start(Start)
    /// Ends the session in a slot after the cycle in progress.
    case stop(slot: Int)
    /// Starts the next cycle in a slot at once.
    case runNow(slot: Int)
    /// Holds back all cycles in a slot until `resume`.
    case pause(slot: Int)
    /// Reverts `pause`.
    case resume(slot: Int)
    /// Permits the cycle that the session in a slot requested by `wantsTurn` with the same number.
    case go(slot: Int, number: UInt64)
    /// Tells a session what it wants to know of those before it.
    case history(History)
    /// Drops values of a routine's disk caches from memory, because their files were removed.
    case dropCached(DropCached)
    /// Sets the lowest level of log lines that the worker sends.
    case logLevel(Int32)
    /// The plugin's shared caches go to their store by the descriptor that comes with this.
    case share(plugin: Int)
    /// Something for the store of the plugin that is loaded in a store worker.
    case store(StoreCommand)
    /// Ends all sessions, unloads the plugins, sends `goodbye` and exits.
    case quit

    /// The parameters of `load`.
    public struct Load: Equatable, Sendable {
        /// The number, from 0, by which later messages identify the plugin.
        public var plugin: Int
        /// The file to load.
        public var path: String
        /// The name for messages, which is that of the file as the user knows it.
        public var name: String
        /// The name of the plugin's instance; nil means the plugin without an instance.
        public var instance: String?
        /// All parameters, as one JSON object.
        public var parameters: String
        /// Whether to call the plugin's `load`; otherwise the worker only reads its descriptor.
        public var isForRunning: Bool
        /// The build id, which the caches store with their values.
        public var build: String

        /// The directory of the disk caches; nil means that there are none.
        public var caches: Caches?
        /// The settings of the caches that the plugin's routines share.
        public var cacheSettings: CacheSettings
        /// Whether the same worker may load further plugins.
        public var isShared: Bool

        /// Creates the parameters of a load.
        public init(
            plugin: Int, path: String, name: String, instance: String? = nil, parameters: String, isForRunning: Bool,
            build: String,
            caches: Caches? = nil, cacheSettings: CacheSettings = CacheSettings(), isShared: Bool = false
        ) {
            self.isShared = isShared
            self.cacheSettings = cacheSettings
            self.instance = instance
            self.plugin = plugin
            self.path = path
            self.name = name
            self.parameters = parameters
            self.isForRunning = isForRunning
            self.build = build
            self.caches = caches
        }

        /// A directory of disk caches.
        public struct Caches: Equatable, Sendable {
            /// The owners of the caches in the directory.
            public enum Scope: String, Sendable {
                /// All plugins; the subdirectories are named after plugin and routine.
                case all
                /// One plugin; the subdirectories are named after its routines.
                case plugin
                /// One routine.
                case routine
            }

            /// The path of the directory.
            public var path: String
            /// The owners of its caches.
            public var scope: Scope

            /// The path of the directory of the caches that the plugin's routines share, where the other one is a single
            /// routine's; nil where it is not, and has them in a subdirectory without a name.
            public var sharedPath: String? {
                guard scope == .routine, let end = path.lastIndex(of: "/") else { return nil }
                return String(path[...end]) + "%"
            }

            /// Creates a reference to a directory.
            public init(_ path: String, _ scope: Scope) {
                self.path = path
                self.scope = scope
            }
        }
    }

    /// The parameters of `history`.
    public struct History: Equatable, Sendable {
        /// The slot of the session that has asked.
        public var slot: Int
        /// The session.
        public var session: SessionID
        /// The sessions before it, the newest first; at most `EndedSession.most`.
        public var past: [EndedSession]

        /// Creates the answer to a session.
        public init(slot: Int, session: SessionID, past: [EndedSession]) {
            self.slot = slot
            self.session = session
            self.past = Array(past.prefix(EndedSession.most))
        }
    }

    /// Selects values of a routine's disk caches.
    public struct DropCached: Equatable, Sendable {
        /// The plugin's number.
        public var plugin: Int
        /// The routine's index in the plugin's description; -1 stands for the caches that the plugin's routines share.
        public var routine: Int
        /// The name of the cache; nil selects all caches.
        public var name: String?
        /// The key, empty for the unkeyed value; nil selects all keys.
        public var key: String?

        /// Creates a selection of values.
        public init(plugin: Int, routine: Int, name: String? = nil, key: String? = nil) {
            self.plugin = plugin
            self.routine = routine
            self.name = name
            self.key = key
        }
    }

    /// The parameters of `start`.
    public struct Start: Equatable, Sendable {
        /// The slot of the ledger, which is unused or was used by an ended session of the same routine.
        public var slot: Int
        /// The plugin's number.
        public var plugin: Int
        /// The routine's index in the plugin's description.
        public var routine: Int
        /// The session's id.
        public var session: SessionID
        /// The interval between the starts of cycles, in ms.
        public var waitMs: UInt64
        /// The number of cycles after which the session is complete; 0 means no bound.
        public var maxCycles: UInt64
        /// The end time, in ms since 1970, UTC, from which on no cycle starts; nil means none.
        public var untilMs: Int64?
        /// What the worker does after an error that no hook decides on, and the maximum number of attempts at one
        /// cycle.
        public var onError: ErrorDefault
        /// The routine's cycles in all earlier records.
        public var lifetimeCycles: UInt64
        /// How the previous session ended: one of the ABI's `SCHEDHOST_BEFORE_…` constants.
        public var before: UInt32
        /// All parameters, as one JSON object.
        public var parameters: String
        /// Whether the session begins paused.
        public var isPaused: Bool
        /// The settings of the routine's disk caches. Those of the first session apply for the whole life of the
        /// worker.
        public var caches: CacheSettings
        /// The settings for when the routine runs, apart from its interval.
        public var timing: RoutineTiming
        /// Whether each cycle must wait for `go`.
        public var takesTurns: Bool
        /// The token of the lease by which the session runs, which ends with it; nil: it runs on each host.
        public var leaseToken: UInt64?

        /// Which part of the routine's work the session has; nil: all of it.
        public var shard: RoutineShard?
        /// How long a cycle may take before the host takes it for one that hangs, in ms; 0 means no bound.
        public var timeoutMs: UInt64

        /// Creates the parameters of a start.
        public init(
            slot: Int, plugin: Int, routine: Int, session: SessionID, waitMs: UInt64, maxCycles: UInt64,
            untilMs: Int64?, onError: ErrorDefault, lifetimeCycles: UInt64, before: UInt32, parameters: String,
            isPaused: Bool, caches: CacheSettings = CacheSettings(), timing: RoutineTiming = RoutineTiming(),
            takesTurns: Bool = false, leaseToken: UInt64? = nil,
            shard: RoutineShard? = nil, timeoutMs: UInt64 = 0
        ) {
            self.takesTurns = takesTurns
            self.timeoutMs = timeoutMs
            self.leaseToken = leaseToken
            self.shard = shard
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

public import HostValues

/// An event from a worker to the supervisor: one JSON object a line. Untrusted, because a plugin shares the worker's
/// memory.
public enum WorkerEvent: Equatable, Sendable {
    /// The plugin's description was read, as a `load` for the description alone requested. No code of the plugin but
    /// its constructors has run.
    case described(plugin: Int, PluginDescription)
    /// The plugin is loaded, and its `load` succeeded. An earlier `described` has its description.
    case loaded(plugin: Int)
    /// The plugin cannot be used; the event says at which stage that was found, and why.
    case refused(plugin: Int, stage: LoadStage, text: String)
    /// A session has ended.
    case ended(Ended)
    /// A line for the log.
    case log(Log)
    /// The worker dropped `count` log lines, because they came too fast.
    case dropped(count: Int)
    /// The next cycle of a session has been due since `due` and waits for `go`, because the number of concurrent cycles
    /// is limited. The worker chose `number` to identify the request.
    case wantsTurn(slot: Int, session: SessionID, number: UInt64, due: BootTime)
    /// The cycle that had its turn is over, or the request for a turn is withdrawn.
    case turnOver(slot: Int, session: SessionID)
    /// A session wants to know of those before it. It may ask once.
    case wantsHistory(slot: Int, session: SessionID)
    /// A plugin has caches that are shared, and no way to their store.
    case wantsShared(plugin: Int)
    /// What a store worker says of its store.
    case store(StoreEvent)
    /// The worker is about to exit in order.
    case goodbye

    /// The longest text that is heard of a refused load or of a session's end, in bytes, as long as those of `fail`; a plugin
    /// may write longer ones to the channel itself.
    public static let longestText = 4096

    /// The longest line that is heard, in bytes, but for descriptions that were requested.
    public static let longestLine = 1 << 20

    /// The end of a session.
    public struct Ended: Equatable, Sendable {
        /// What happens to the routine after the session, as its error hook decided.
        public enum Disposition: String, Sendable {
            /// The restart policy decides.
            case policy
            /// The routine stays stopped.
            case stop
            /// The routine is quarantined.
            case quarantine
        }

        /// The session's slot in the ledger.
        public var slot: Int
        /// The session's id.
        public var session: SessionID
        /// When the session started, in ms since 1970, UTC.
        public var startMs: Int64
        /// When the session ended, in ms since 1970, UTC.
        public var finishMs: Int64
        /// The elapsed time in ns, by a clock that is never set.
        public var durationNs: Int64
        /// Completed cycles, including those whose error was ignored.
        public var cycles: UInt64
        /// Completed cycles without an error.
        public var goodCycles: UInt64
        /// Failed attempts.
        public var failures: UInt64
        /// Grid points that were skipped.
        public var missed: UInt64
        /// Why the session ended, as its record states it.
        public var reason: SessionRecord.Reason
        /// The error's code; 0 if there was no error.
        public var code: Int32
        /// The routine's own columns.
        public var stats: SessionRecord.Stats
        /// What happens to the routine after the session.
        public var disposition: Disposition
        /// If the error repeats an earlier one, because a cache did not yet ask its source again: for how many more ns
        /// the cache will not ask. Nil for an error of its own.
        public var leftAloneNs: Int64?
        /// The time that the last cycle was for, or else when it began, in ms since 1970, UTC; nil if there was none, or nobody
        /// will ask.
        public var lastRunMs: Int64?

        /// Creates the end of a session.
        public init(
            slot: Int, session: SessionID, startMs: Int64, finishMs: Int64, durationNs: Int64, cycles: UInt64,
            goodCycles: UInt64, failures: UInt64, missed: UInt64, reason: SessionRecord.Reason, code: Int32,
            stats: SessionRecord.Stats, disposition: Disposition, leftAloneNs: Int64? = nil,
            lastRunMs: Int64? = nil
        ) {
            self.slot = slot
            self.session = session
            self.startMs = startMs
            self.finishMs = finishMs
            self.durationNs = durationNs
            self.cycles = cycles
            self.goodCycles = goodCycles
            self.failures = failures
            self.missed = missed
            self.reason = reason
            self.code = code
            self.stats = stats
            self.disposition = disposition
            self.leftAloneNs = leftAloneNs
            self.lastRunMs = lastRunMs
        }
    }

    /// A line for the log.
    public struct Log: Equatable, Sendable {
        /// The plugin's number.
        public var plugin: Int
        /// The routine's index in the plugin's description; nil for the plugin itself.
        public var routine: Int?
        /// The level as a number of the plugin ABI: 5 to 50.
        public var level: Int32
        /// The text, without control characters except tab and newline.
        public var text: String
        /// When the line was logged, in ms since 1970, UTC.
        public var ms: Int64

        /// Creates a log line.
        public init(plugin: Int, routine: Int?, level: Int32, text: String, ms: Int64) {
            self.plugin = plugin
            self.routine = routine
            self.level = level
            self.text = text
            self.ms = ms
        }
    }
}

public import HostValues

/// What a worker tells the supervisor: one JSON object a line. Untrusted: a plugin shares the worker's memory.
public enum WorkerEvent: Equatable, Sendable {
    /// The plugin's description was read, as `load` had asked for it alone. Nothing of it has run but its constructors.
    case described(plugin: Int, PluginDescription)
    /// The plugin is loaded, and its `load` has succeeded. What it is was said in `described`.
    case loaded(plugin: Int)
    /// The plugin cannot be used: how far it came, and why.
    case refused(plugin: Int, stage: LoadStage, text: String)
    /// A session is over.
    case ended(Ended)
    /// A line for the log.
    case log(Log)
    /// So many log lines of the worker were dropped because they came too fast.
    case dropped(count: Int)
    /// A session's next cycle is due since that time, and may begin when the host says so: only so many may run at
    /// once. Its own number for that.
    case wantsTurn(slot: Int, session: SessionID, number: UInt64, due: BootTime)
    /// That cycle is over, or is not wanted any more.
    case turnOver(slot: Int, session: SessionID)
    /// The worker ends in order.
    case goodbye

    /// The end of a session.
    public struct Ended: Equatable, Sendable {
        /// What becomes of the routine, by the hook's decision.
        public enum Disposition: String, Sendable {
            /// What the restart policy says.
            case policy
            /// It stays stopped.
            case stop
            /// It is shut out.
            case quarantine
        }

        /// The ledger's slot.
        public var slot: Int
        /// The session.
        public var session: SessionID
        /// Start and end, UTC ms.
        public var startMs: Int64
        /// When it ended, UTC ms.
        public var finishMs: Int64
        /// True duration, ns.
        public var durationNs: Int64
        /// Cycles that count.
        public var cycles: UInt64
        /// Of these, those without an error.
        public var goodCycles: UInt64
        /// Failed attempts.
        public var failures: UInt64
        /// Grid points passed over.
        public var missed: UInt64
        /// Why, as the record has it.
        public var reason: SessionRecord.Reason
        /// The error's code, 0 when there was none.
        public var code: Int32
        /// The routine's columns.
        public var stats: SessionRecord.Stats
        /// What becomes of the routine.
        public var disposition: Disposition
        /// The error repeats one from before: a cache did not ask its source again so soon. For so long, ns, it will not;
        /// nil for an error of its own.
        public var leftAloneNs: Int64?

        /// An end.
        public init(
            slot: Int, session: SessionID, startMs: Int64, finishMs: Int64, durationNs: Int64, cycles: UInt64,
            goodCycles: UInt64, failures: UInt64, missed: UInt64, reason: SessionRecord.Reason, code: Int32,
            stats: SessionRecord.Stats, disposition: Disposition, leftAloneNs: Int64? = nil
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
        }
    }

    /// One line of the log.
    public struct Log: Equatable, Sendable {
        /// The plugin's number.
        public var plugin: Int
        /// The routine's position, or nil for the plugin itself.
        public var routine: Int?
        /// The level, as in the plugin ABI: 5 to 50.
        public var level: Int32
        /// The text, without control characters other than tab and newline.
        public var text: String
        /// UTC ms.
        public var ms: Int64

        /// A line.
        public init(plugin: Int, routine: Int?, level: Int32, text: String, ms: Int64) {
            self.plugin = plugin
            self.routine = routine
            self.level = level
            self.text = text
            self.ms = ms
        }
    }
}

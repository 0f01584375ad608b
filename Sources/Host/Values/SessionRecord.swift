/// What is kept of a session: when it ran, how long, how often, why it ended, and what its routine counted.
///
/// One line of `sessions.jsonl`, written and read by `line()` and `init(line:)`, which keep the order of the stats.
public struct SessionRecord: Equatable, Sendable {
    /// The session's id.
    public var session: SessionID
    /// The plugin's id.
    public var plugin: String
    /// The plugin's version, as its descriptor says.
    public var pluginVersion: String?
    /// The build id of the plugin's file.
    public var build: String?
    /// The routine's name.
    public var routine: String
    /// The name of the machine.
    public var host: String?
    /// The worker's process id.
    public var pid: Int32?
    /// Start, UTC in ms since 1970.
    public var startMs: Int64
    /// End, UTC in ms since 1970, as the clock stood then.
    public var finishMs: Int64
    /// The true duration in ms, which no setting of the clock disturbs.
    public var durationMs: Int64
    /// By how much the clock was set while the session ran, in ms; only where that is over 1 s.
    public var clockStepMs: Int64?
    /// Cycles that count.
    public var cycles: UInt64
    /// Cycles and attempts that failed.
    public var failures: UInt64
    /// Grid points passed over because a cycle ran late.
    public var missed: UInt64
    /// The routine's cycles over all its records, this one included.
    public var lifetimeCycles: UInt64?
    /// Why it ended.
    public var reason: Reason
    /// The routine's own columns, in the order in which it named them.
    public var stats: Stats
    /// The file of the crash report, if there is one.
    public var report: String?

    enum Field: String, CaseIterable {
        case session, plugin
        case pluginVersion = "plugin_version"
        case build, routine, host, pid
        case startMs = "start_ms"
        case finishMs = "finish_ms"
        case durationMs = "duration_ms"
        case clockStepMs = "clock_step_ms"
        case cycles, failures, missed
        case lifetimeCycles = "lifetime_cycles"
        case reason, stats, report
    }

    /// A record; what is not known is left out.
    public init(
        session: SessionID, plugin: String, pluginVersion: String? = nil, build: String? = nil, routine: String,
        host: String? = nil, pid: Int32? = nil, startMs: Int64, finishMs: Int64, durationMs: Int64,
        clockStepMs: Int64? = nil, cycles: UInt64, failures: UInt64 = 0, missed: UInt64 = 0,
        lifetimeCycles: UInt64? = nil, reason: Reason, stats: Stats = Stats(), report: String? = nil
    ) {
        self.session = session
        self.plugin = plugin
        self.pluginVersion = pluginVersion
        self.build = build
        self.routine = routine
        self.host = host
        self.pid = pid
        self.startMs = startMs
        self.finishMs = finishMs
        self.durationMs = durationMs
        self.clockStepMs = clockStepMs
        self.cycles = cycles
        self.failures = failures
        self.missed = missed
        self.lifetimeCycles = lifetimeCycles
        self.reason = reason
        self.stats = stats
        self.report = report
    }

    /// `plugin/routine`.
    public var identifier: String { plugin + "/" + routine }
}

extension SessionRecord {
    /// Why a session ended, and for a death where it was then.
    public struct Reason: Equatable, Sendable {
        /// What kind of end.
        public var kind: Kind
        /// In words: the error's message, the routine's own reason; may be empty.
        public var text: String
        /// For a crash the signal's name, such as `SIGSEGV`.
        public var signal: String?
        /// The cycle in which it died, from 0.
        public var cycle: UInt64?
        /// The phase in which it died, such as `routine`.
        public var phase: String?
        /// The top frame of the crash: function, file and line.
        public var frame: String?

        /// Which of the ends that this version knows it is; nil for one of a later version.
        public var end: SessionEnd? {
            if case .known(let end) = kind { end } else { nil }
        }

        /// Whether something went wrong. Of the end of a later version nothing is known: it counts as good.
        public var isFailure: Bool { end?.isFailure ?? false }

        /// A reason of which only the end's name is known.
        public init(named name: String) {
            kind = Kind(name: name)
            text = ""
        }

        /// A reason; what is not known is left out.
        public init(
            _ end: SessionEnd, text: String = "", signal: String? = nil, cycle: UInt64? = nil, phase: Phase? = nil,
            frame: String? = nil
        ) {
            kind = .known(end)
            self.text = text
            self.signal = signal
            self.cycle = cycle
            self.phase = phase?.word
            self.frame = frame
        }
    }

    /// An end, or the name of one that a later version wrote and this one does not know.
    public enum Kind: Hashable, Sendable {
        case known(SessionEnd)
        case later(String)

        /// The kind of that name; any text is one.
        public init(name: String) {
            self = SessionEnd(name: name).map { .known($0) } ?? .later(name)
        }

        /// The name in the record, such as `max_cycles`.
        public var name: String {
            switch self {
            case .known(let end): end.name
            case .later(let name): name
            }
        }
    }
}

extension SessionRecord {
    /// The routine's own columns, by name, in order.
    public struct Stats: Equatable, Sendable {
        /// The columns; each name once.
        public private(set) var columns: [(name: String, value: Value)] = []

        /// No columns.
        public init() {}

        /// Columns in that order; the last value given to a name stands.
        public init(_ columns: [(String, Value)]) {
            for (name, value) in columns { self[name] = value }
        }

        /// The value of a column. Setting keeps the place of a name that is there, nil removes it.
        public subscript(name: String) -> Value? {
            get { columns.first { $0.name == name }?.value }
            set {
                let place = columns.firstIndex { $0.name == name }
                switch (place, newValue) {
                case (let place?, let value?): columns[place].value = value
                case (let place?, nil): columns.remove(at: place)
                case (nil, let value?): columns.append((name, value))
                case (nil, nil): break
                }
            }
        }

        /// Whether names, values and order are the same.
        public static func == (left: Stats, right: Stats) -> Bool {
            left.columns.elementsEqual(right.columns) { $0.name == $1.name && $0.value == $1.value }
        }
    }

    /// The value of one column. NaN and infinities are written as text.
    public enum Value: Equatable, Sendable, CustomStringConvertible {
        case int(Int64)
        case double(Double)
        case string(String)

        /// The value as text, without quotes.
        public var description: String {
            switch self {
            case .int(let value): String(value)
            case .double(let value): String(value)
            case .string(let value): value
            }
        }
    }
}

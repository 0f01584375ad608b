/// The permanent record of a session: when it ran, how long, how many cycles, why it ended, and what its routine
/// counted.
///
/// Each record is one line of `sessions.jsonl`. `line()` writes it and `init(line:)` reads it; both keep the order of
/// stats.
public struct SessionRecord: Equatable, Sendable {
    /// The session's id.
    public var session: SessionID
    /// The plugin's id.
    public var plugin: String
    /// The plugin's version, from its descriptor.
    public var pluginVersion: String?
    /// The build id of the plugin's file.
    public var build: String?
    /// The routine's name.
    public var routine: String
    /// The name of the machine.
    public var host: String?
    /// The host's id in its cluster; nil if it was in none.
    public var hostID: String?
    /// The worker's process id.
    public var pid: Int32?
    /// When the session started, in ms since 1970, UTC.
    public var startMs: Int64
    /// When the session ended, in ms since 1970, UTC, according to the wall clock at that time.
    public var finishMs: Int64
    /// The elapsed time in ms, measured by a clock that is never set.
    public var durationMs: Int64
    /// By how much the wall clock was set during the session, in ms; nil unless that is more than 1 s.
    public var clockStepMs: Int64?
    /// Completed cycles.
    public var cycles: UInt64
    /// Failed cycles and failed attempts.
    public var failures: UInt64
    /// Grid points that were skipped because a cycle ran late.
    public var missed: UInt64
    /// The routine's cycles in all its records, including this one.
    public var lifetimeCycles: UInt64?
    /// How long its cycles took; nil if that is not known, as after the death of the host.
    public var cycleTimes: CycleTimes?
    /// Why the session ended.
    public var reason: Reason
    /// The routine's own columns, in the order in which it defined them.
    public var stats: Stats
    /// The name of the crash report's file, if there is one.
    public var report: String?
    /// The token of the lease by which it ran; nil if it ran by none.
    public var leaseToken: UInt64?
    /// Which part of the routine's work it had; nil: all of it.
    public var shard: RoutineShard?

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
        case cycleTimes = "cycle_times"
        case reason, stats, report
        case leaseToken = "lease_token"
        case shard, shards
        case hostID = "host_id"
    }

    /// Creates a record. Unknown values are omitted.
    public init(
        session: SessionID, plugin: String, pluginVersion: String? = nil, build: String? = nil, routine: String,
        host: String? = nil, pid: Int32? = nil, startMs: Int64, finishMs: Int64, durationMs: Int64,
        clockStepMs: Int64? = nil, cycles: UInt64, failures: UInt64 = 0, missed: UInt64 = 0,
        lifetimeCycles: UInt64? = nil, reason: Reason, stats: Stats = Stats(), report: String? = nil,
        leaseToken: UInt64? = nil, shard: RoutineShard? = nil
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
        self.leaseToken = leaseToken
        self.shard = shard
    }

    /// The text `plugin/routine`.
    public var identifier: String { plugin + "/" + routine }
}

extension SessionRecord {
    /// Why a session ended and, if its worker died, where in the plugin that happened.
    public struct Reason: Equatable, Sendable {
        /// The kind of end.
        public var kind: Kind
        /// An explanation, such as the error's message or the routine's own reason; may be empty.
        public var text: String
        /// The name of the signal of a crash, such as `SIGSEGV`.
        public var signal: String?
        /// The cycle in which the worker died, from 0.
        public var cycle: UInt64?
        /// The phase in which the worker died, such as `routine`.
        public var phase: String?
        /// The topmost stack frame of the crash: function, file and line.
        public var frame: String?

        /// The end, if this version knows it; nil for an end that a later version introduced.
        public var end: SessionEnd? {
            if case .known(let end) = kind { end } else { nil }
        }

        /// Whether the end is a failure. An end that only a later version knows does not count as a failure.
        public var isFailure: Bool { end?.isFailure ?? false }

        /// Creates a reason of which only the name of the end is known.
        public init(named name: String) {
            kind = Kind(name: name)
            text = ""
        }

        /// Creates a reason. Unknown values are omitted.
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

    /// An end of a session, or the name of one that a later version wrote and this version does not know.
    public enum Kind: Hashable, Sendable {
        case known(SessionEnd)
        case later(String)

        /// Creates the kind with that name; any text is valid.
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
    /// The routine's own columns: names with values, in order.
    public struct Stats: Equatable, Sendable {
        /// The columns; names are unique.
        public private(set) var columns: [(name: String, value: Value)] = []

        /// Creates stats without columns.
        public init() {}

        /// Creates columns in the given order. If a name occurs twice, the later value replaces the earlier one.
        public init(_ columns: [(String, Value)]) {
            for (name, value) in columns { self[name] = value }
        }

        /// The value of a column. Setting an existing column keeps its position; setting nil removes the column.
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

        /// Whether names, values and order are equal.
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

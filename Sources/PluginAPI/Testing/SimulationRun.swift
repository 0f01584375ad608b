internal import FoundationEssentials

/// What came of a simulation.
public struct SimulationRun: Sendable {
    /// What each routine did, in the plugin's order: those that were to run.
    public let routines: [RoutineRun]
    /// The records of the sessions, the oldest one first; of more than a thousand the newest.
    public let records: [Record]
    /// How many there were before these.
    public let droppedRecords: Int
    /// What the plugin and the host logged, in order; of each routine the first ten thousand lines.
    public let log: [Line]
    /// How many came after these.
    public let droppedLines: Int
    /// How long it took, in virtual time.
    public let length: Duration

    /// What a routine did. Throws a `SimulationError` when it was not to run.
    public subscript(routine: String) -> RoutineRun {
        get throws {
            if let found = routines.first(where: { $0.name == routine }) { return found }
            throw SimulationError(
                "no routine \"\(routine)\" has run; these have: \(routines.map(\.name).joined(separator: ", "))")
        }
    }

    // MARK: Of all routines together

    /// The cycles of all routines.
    public var cycles: Int { routines.reduce(0) { $0 + $1.cycles } }
    /// The errors of all routines.
    public var failures: Int { routines.reduce(0) { $0 + $1.failures } }
    /// The records of the sessions that have failed.
    public var failedRecords: [Record] { records.filter(\.isFailure) }

    /// What a cache has counted, in all routines that have used it together.
    public func counts(of cache: some DeclaredCache) -> CacheCounts {
        counts { $0.isOf(cache) }
    }

    /// The same for a cache that is declared where it is used.
    public func counts(ofCacheNamed name: String) -> CacheCounts { counts { $0.name == name } }

    private func counts(_ isMeant: (CacheCounts) -> Bool) -> CacheCounts {
        routines.flatMap(\.caches).filter(isMeant).reduce(into: CacheCounts()) { $0.add($1) }
    }

    /// The texts of the lines that a routine has logged, or all have, at that level or above; what the host said of them is in
    /// `log` only.
    public func texts(of routine: String? = nil, from level: Log.Level = .trace) -> [String] {
        log.filter { line in
            !line.isHosts && (line.routine == routine || routine == nil) && line.level.rawValue >= level.rawValue
        }.map(\.text)
    }
}

/// What a routine did in a simulation.
public struct RoutineRun: Sendable {
    /// Its name.
    public let name: String
    /// Its sessions.
    public let sessions: Int
    /// Those that failed.
    public let failedSessions: Int
    /// Its cycles, over all sessions.
    public let cycles: Int
    /// Its errors.
    public let failures: Int
    /// The points of its grid that were passed over, since a cycle took longer than the wait.
    public let missed: Int
    /// What each of its caches has counted.
    public let caches: [CacheCounts]

    /// What a cache has counted in this routine; of one that the plugin's routines share, what this one's calls were.
    public func counts(of cache: some DeclaredCache) -> CacheCounts {
        caches.first { $0.isOf(cache) } ?? CacheCounts()
    }
}

/// What a cache has counted in a simulation.
public struct CacheCounts: Sendable, Equatable {
    /// Its name.
    public internal(set) var name = ""
    /// Whether it is a `Cache`, and not a `CacheMemory`.
    public internal(set) var isOnDisk = false
    /// Whether the plugin's routines share it.
    public internal(set) var isOfPlugin = false
    /// Values that were served from the cache.
    public internal(set) var hits = 0
    /// Values that its source made.
    public internal(set) var loads = 0
    /// Loads that failed.
    public internal(set) var failures = 0
    /// Values that were served past their expiry, since the source failed.
    public internal(set) var stale = 0
    /// Values that went for want of room.
    public internal(set) var evictions = 0
    /// Files that were set aside.
    public internal(set) var corrupt = 0
    /// Values whose file could not be written.
    public internal(set) var saveFailures = 0

    func isOf(_ cache: some DeclaredCache) -> Bool {
        name == cache.name && isOnDisk == cache.declaration.isOnDisk && isOfPlugin == cache.declaration.isOfPlugin
    }

    mutating func add(_ other: CacheCounts) {
        name = other.name
        isOnDisk = other.isOnDisk
        isOfPlugin = other.isOfPlugin
        hits += other.hits
        loads += other.loads
        failures += other.failures
        stale += other.stale
        evictions += other.evictions
        corrupt += other.corrupt
        saveFailures += other.saveFailures
    }
}

extension SimulationRun {
    /// The record of a session.
    public struct Record: Sendable {
        /// The routine's name.
        public let routine: String
        /// When it began, since the simulation's begin.
        public let began: Duration
        /// When it ended.
        public let ended: Duration
        /// Its cycles.
        public let cycles: Int
        /// Its errors.
        public let failures: Int
        /// The starts that were passed over.
        public let missed: Int
        /// Why it ended: `max_cycles`, `until`, `stopped`, `ended_by_routine`, `error` and more, as `schedhost records` has it.
        public let reason: String
        /// The words for that: an error's text, or what `endSession` was given.
        public let text: String
        /// The cycle of the error that ended it.
        public let errorCycle: Int?
        /// What its routine has set by `Scheduler.stat`, and what its caches counted.
        public let stats: [String: Stat]

        /// Whether its end was a failure.
        public var isFailure: Bool {
            !["max_cycles", "until", "stopped", "ended_by_routine", "removed", "reloaded"].contains(reason)
        }
    }

    /// A column of a record.
    public enum Stat: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
        ExpressibleByStringLiteral
    {
        /// A whole number.
        case integer(Int)
        /// A number.
        case double(Double)
        /// A text.
        case text(String)

        /// A whole number.
        public init(integerLiteral value: Int) { self = .integer(value) }
        /// A number.
        public init(floatLiteral value: Double) { self = .double(value) }
        /// A text.
        public init(stringLiteral value: String) { self = .text(value) }
    }

    /// A line of the log.
    public struct Line: Sendable, Equatable, CustomStringConvertible {
        /// When it was said, since the simulation's begin.
        public let at: Duration
        /// How much it matters.
        public let level: Log.Level
        /// The routine that it is about; nil for the plugin as a whole.
        public let routine: String?
        /// Whether the host said it, such as how a session has ended, and not the plugin.
        public let isHosts: Bool
        /// What was said.
        public let text: String

        /// One line.
        public var description: String { "\(at) \(level) \(routine ?? "-"): \(text)" }
    }
}

internal import FoundationEssentials

/// What the engine says of a run: as `schedhost try --json` shows it.
struct Summary: Decodable {
    struct Routine: Decodable {
        let name: String
        let sessions: Int
        let failed_sessions: Int
        let cycles: Int
        let failures: Int
        let missed: Int
        let caches: [Cache]
    }

    struct Cache: Decodable {
        let name: String
        let disk: Bool
        let of_plugin: Bool?
        let hits: Int
        let loads: Int
        let failures: Int
        let stale: Int
        let evictions: Int
        let corrupt: Int
        let save_failures: Int
    }

    struct Record: Decodable {
        struct Reason: Decodable {
            let kind: String
            let text: String
            let cycle: Int?
        }

        let routine: String
        let start_ms: Int64
        let finish_ms: Int64
        let cycles: Int
        let failures: Int
        let missed: Int
        let reason: Reason
        let stats: [String: SimulationRun.Stat]
    }

    struct Line: Decodable {
        let ms: Int64
        let level: String
        let subject: String
        let text: String
        let host: Bool?
    }

    let from_ms: Int64
    let to_ms: Int64
    let routines: [Routine]
    let records: [Record]
    let records_dropped: Int
    let log: [Line]
    let log_dropped: Int

    /// Reads it.
    init(json: [UInt8]) throws { self = try JSONDecoder().decode(Summary.self, from: Data(json)) }
}

extension SimulationRun.Stat: Decodable {
    /// Reads one.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int.self) {
            self = .integer(number)
        } else if let number = try? value.decode(Double.self) {
            self = .double(number)
        } else {
            self = .text(try value.decode(String.self))
        }
    }
}

extension SimulationRun {
    /// What a summary means; `ran`: the routines that were to run.
    init(_ summary: Summary) {
        let begin = summary.from_ms
        routines = summary.routines.map { RoutineRun($0) }
        records = summary.records.map { Record($0, since: begin) }
        droppedRecords = summary.records_dropped
        log = summary.log.map { Line($0, since: begin) }
        droppedLines = summary.log_dropped
        length = .milliseconds(summary.to_ms - begin)
    }
}

extension RoutineRun {
    fileprivate init(_ routine: Summary.Routine) {
        name = routine.name
        sessions = routine.sessions
        failedSessions = routine.failed_sessions
        cycles = routine.cycles
        failures = routine.failures
        missed = routine.missed
        caches = routine.caches.map { cache in
            CacheCounts(
                name: cache.name, isOnDisk: cache.disk, isOfPlugin: cache.of_plugin == true, hits: cache.hits,
                loads: cache.loads, failures: cache.failures,
                stale: cache.stale, evictions: cache.evictions, corrupt: cache.corrupt,
                saveFailures: cache.save_failures)
        }
    }
}

extension SimulationRun.Record {
    fileprivate init(_ record: Summary.Record, since begin: Int64) {
        routine = record.routine
        began = .milliseconds(record.start_ms - begin)
        ended = .milliseconds(record.finish_ms - begin)
        cycles = record.cycles
        failures = record.failures
        missed = record.missed
        reason = record.reason.kind
        text = record.reason.text
        errorCycle = record.reason.cycle
        stats = record.stats
    }
}

extension SimulationRun.Line {
    fileprivate init(_ line: Summary.Line, since begin: Int64) {
        at = .milliseconds(line.ms - begin)
        isHosts = line.host == true
        level = Log.Level.allCases.first { "\($0)" == line.level } ?? .info
        routine = line.subject.split(separator: "/", maxSplits: 1).dropFirst().first.map { String($0) }
        text = line.text
    }
}

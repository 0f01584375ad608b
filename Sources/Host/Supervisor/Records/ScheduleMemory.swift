internal import HostSystem
internal import HostValues

/// What is remembered about schedules across hosts: since when each routine has its schedule, and when its last cycle
/// began. Stored in `schedules.json`, which is replaced atomically.
final class ScheduleMemory {
    fileprivate struct Note: Equatable {
        /// The texts of the schedules and the zone, one a line.
        var schedule: String
        var firstSeenMs: Int64
        var lastRunMs: Int64?
    }

    private static let version: Int64 = 1
    private static let name = "schedules.json"
    private static let corrupt = "schedules.json.corrupt"
    private static let limit = 64 << 20

    private let path: String?
    private let log: (any LogSink)?
    private var notes: [String: Note] = [:]
    private var isChanged = false

    /// Makes a memory without a file, which ends with the host.
    init() {
        path = nil
        log = nil
    }

    /// Reads the file in a state directory. A file that cannot be understood is set aside and logged.
    init(in path: String, log: any LogSink) throws(SystemError) {
        self.path = path
        self.log = log
        let directory = try Directory(path)
        func warning(_ text: String) { log.write(.warning, "", text) }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try directory.openForReading(Self.name).readAll(
                limit: Self.limit, subject: directory.child(Self.name))
        } catch {
            if !error.isNotFound { warning("\(error): nothing is caught up") }
            return
        }
        if let content = try? RoutinesDocument(bytes, read: Note.init(reading:)), content.version == Self.version {
            notes = content.routines
            return
        }
        try? directory.rename(Self.name, to: Self.corrupt)
        warning(
            "\(directory.child(Self.name)) is none of this host's: nothing is caught up; it was set aside as \(Self.corrupt)"
        )
    }

    /// Adds to a routine's timing what its next session needs to know of the past. An edited schedule counts as new.
    func timing(_ timing: RoutineTiming, of identifier: String, nowMs: Int64) -> RoutineTiming {
        guard timing.dependsOnHistory else { return timing }
        let text = (timing.schedules + [timing.zone ?? ""]).joined(separator: "\n")
        var note = notes[identifier] ?? Note(schedule: text, firstSeenMs: nowMs)
        if note.schedule != text { (note.schedule, note.firstSeenMs) = (text, nowMs) }
        // A time more than a day ahead was noted by a wrong clock, and would prevent catching up on everything before
        // it.
        let farthest = nowMs.clampedPlus(86_400_000)
        if note.firstSeenMs > farthest { note.firstSeenMs = nowMs }
        if let last = note.lastRunMs, last > farthest { note.lastRunMs = nowMs }
        if notes[identifier] != note {
            notes[identifier] = note
            isChanged = true
        }
        var known = timing
        known.firstSeenMs = note.firstSeenMs
        known.lastRunMs = note.lastRunMs
        return known
    }

    /// When the last cycle of a session began whose worker has died and cannot tell, in ms since 1970, UTC; nil if none has.
    /// The ledger counts no failures but those of cycles.
    static func lastRunMs(_ record: SessionRecord, _ counts: LedgerCounts?, _ clock: any HostClock) -> Int64? {
        guard record.cycles > 0 || record.failures > 0 || counts?.isInCycle == true else { return nil }
        let ago = counts.map { max(0, clock.boot() - $0.began) } ?? 0
        return (clock.wall() - ago).milliseconds
    }

    /// Notes when a routine's cycle began. Ignored for routines whose timing was never asked for.
    func ran(_ identifier: String, atMs time: Int64) {
        guard let last = notes[identifier], time > last.lastRunMs ?? .min else { return }
        notes[identifier]?.lastRunMs = time
        isChanged = true
    }

    /// Writes the file if there is anything new. Takes about as long as a small synced write.
    func save() {
        guard isChanged else { return }
        isChanged = false
        do throws(SystemError) {
            try write()
        } catch {
            isChanged = true  // for the next call, as that at the host's end
            log?.write(.error, "", "\(error)")
        }
    }

    private func write() throws(SystemError) {
        guard let path else { return }
        let directory = try Directory(path)
        let content = RoutinesDocument(version: Self.version, routines: notes)
        try directory.save(content.bytes { $0.write($1, to: &$2) }, as: Self.name)
    }
}

extension ScheduleMemory.Note {
    fileprivate func write(_ name: String, to writer: inout JSONWriter) {
        writer.open(name)
        writer.field("firstSeenMs", firstSeenMs)
        if let lastRunMs { writer.field("lastRunMs", lastRunMs) }
        writer.field("schedule", schedule)
        writer.close()
    }

    fileprivate init(reading cursor: inout JSONCursor) throws(JSONFault) {
        var schedule: String?
        var firstSeenMs: Int64?
        var lastRunMs: Int64?
        try cursor.object { (cursor, name) throws(JSONFault) in
            if try cursor.null() { return }
            switch name {
            case "schedule": schedule = try cursor.string()
            case "firstSeenMs": firstSeenMs = try cursor.signed()
            case "lastRunMs": lastRunMs = try cursor.signed()
            default: try cursor.skip()
            }
        }
        guard let schedule, let firstSeenMs else { throw cursor.fault("schedule and firstSeenMs before this") }
        self.init(schedule: schedule, firstSeenMs: firstSeenMs, lastRunMs: lastRunMs)
    }
}

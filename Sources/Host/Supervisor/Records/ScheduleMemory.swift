internal import FoundationEssentials
internal import HostSystem
internal import HostValues

/// What is remembered about schedules across hosts: since when each routine has its schedule, and when its last cycle
/// began. Stored in `schedules.json`, which is replaced atomically.
final class ScheduleMemory {
    private struct Note: Codable, Equatable {
        /// The texts of the schedules and the zone, one a line.
        var schedule: String
        var firstSeenMs: Int64
        var lastRunMs: Int64?
    }

    private struct Content: Codable {
        var version: Int
        var routines: [String: Note]
    }

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
        if let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)), content.version == 1 {
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
            log?.write(.error, "", "\(error)")
        }
    }

    private func write() throws(SystemError) {
        guard let path else { return }
        let directory = try Directory(path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Content(version: 1, routines: notes)) else { return }
        try directory.save([UInt8](data), as: Self.name)
    }
}

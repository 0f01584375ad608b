internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// What the page shows of one routine or session, as JSON. Nothing of it is kept in memory: records, cached values and
/// last lines are read from files when they are asked for, each within bounds.
struct RoutinePages {
    /// The largest number of log lines in an answer.
    static let mostLines = 100

    /// The path of the state directory.
    let state: String
    let clock: any HostClock

    /// `plugin/routine`, in its two parts.
    struct Identifier {
        let plugin: String
        let routine: String

        /// Splits a text; nil if it is no id of a routine.
        init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= 1024 else { return nil }
            plugin = String(parts[0])
            routine = String(parts[1])
        }

        var text: String { plugin + "/" + routine }
    }

    /// The routine's part of the status, and why it does not run now.
    func sheet(of id: Identifier, _ sheet: RoutineSheet?) -> HTTPResponse {
        sheet.map { HTTPResponse(json: $0.json()) }
            ?? HTTPResponse(status: 404, text: "there is no routine \(id.text)")
    }

    /// The routine's newest records.
    func records(of id: Identifier) -> HTTPResponse {
        guard let directory = try? Directory(state),
            let history = try? RoutineHistory(of: id.plugin, id.routine, in: directory)
        else { return HTTPResponse(status: 503, text: "the records cannot be read") }
        var writer = JSONWriter()
        writer.open()
        writer.field("whole", history.isWhole)
        writer.field("records", json: Array(RecordTable.json(history.records).utf8))
        writer.close()
        return HTTPResponse(json: writer.bytes)
    }

    /// The values in files of the disk caches of the routine, and of those that the plugin's routines share.
    func caches(of id: Identifier) -> HTTPResponse {
        guard let directory = try? Directory(state) else {
            return HTTPResponse(status: 503, text: "the state directory cannot be opened")
        }
        let own = CacheGlance(of: id.plugin, id.routine, in: directory, clock: clock)
        let shared = CacheGlance(of: id.plugin, "", in: directory, clock: clock)
        var writer = JSONWriter()
        writer.open()
        writer.field("more", own.hasMore || shared.hasMore)
        writer.objects("files", of: own.files.map { ($0, false) } + shared.files.map { ($0, true) }) { found, writer in
            let (file, isShared) = found
            writer.field("name", file.name, limit: 256)
            if isShared { writer.field("of_plugin", true) }
            if !file.key.isEmpty { writer.field("key", String(decoding: file.key, as: UTF8.self), limit: 256) }
            writer.field("size", file.size)
            if let age = file.ageMs { writer.field("age_ms", age) }
            if let expire = file.expireMs { writer.field("expire_ms", expire) }
            writer.field("loads", file.loads)
        }
        writer.close()
        return HTTPResponse(json: writer.bytes)
    }

    /// The newest lines of the routine and of its plugin; with `after` the next ones past that number.
    func lines(of id: Identifier, in recorder: FlightRecorder, after: UInt64) -> HTTPResponse {
        var query = LogQuery()
        query.last = Self.mostLines
        query.after = after
        return list(recorder.lines(query, of: [id.text, id.plugin]), isNumbered: true)
    }

    /// The last lines before a session failed.
    func lastLines(of session: SessionID) -> HTTPResponse {
        guard let directory = try? Directory(state), case let lines = LastLines.read(of: session, in: directory),
            !lines.isEmpty
        else { return HTTPResponse(status: 404, text: "session \(session) has left no lines, or they are gone") }
        return list(lines, isNumbered: false)
    }

    private func list(_ lines: [LogLine], isNumbered: Bool) -> HTTPResponse {
        var writer = JSONWriter()
        writer.list(of: lines) { $0.write(to: &$1, isNumbered: isNumbered) }
        return HTTPResponse(json: writer.bytes)
    }
}

public import HostValues

/// What a host tells the others of what runs on it, beside its record as a member. It stays in the store when the host is
/// gone.
///
/// It is for people only: nothing is decided by it.
public struct HostReport: Equatable, Sendable {
    /// What the host is about.
    public enum Mode: String, Sendable {
        case serving
        /// It gives back what it has, and takes nothing.
        case draining
        /// It stops.
        case leaving
        /// It has stopped in order.
        case left
    }

    /// A session that runs.
    public struct Session: Equatable, Sendable {
        /// `plugin/routine`, with the number of its part.
        public var routine: String
        /// The session's id.
        public var session: SessionID
        /// When it began, in ms since 1970, UTC.
        public var startMs: Int64
        /// The token of its lease; nil if it has none.
        public var token: UInt64?

        /// A session.
        public init(routine: String, session: SessionID, startMs: Int64, token: UInt64?) {
            self.routine = routine
            self.session = session
            self.startMs = startMs
            self.token = token
        }
    }

    /// The most bytes that one has.
    static let mostBytes = RecordFields.mostBytes

    /// What people call the machine.
    public var name: String
    /// The supervisor's process.
    public var pid: UInt64
    /// The host program's version.
    public var version: String
    /// When the host started, in ms since 1970, UTC.
    public var startMs: Int64
    /// What it is about.
    public var mode: Mode
    /// Since when it is about that, in ms since 1970, UTC.
    public var modeMs: Int64
    /// When this was written, in ms since 1970, UTC.
    public var wroteMs: Int64
    /// How far its clock is ahead of the store's, in ms; nil: the store has none.
    public var skewMs: Int64?
    /// How many routines it has.
    public var routines: UInt64
    /// How many of them are in a session.
    public var running: UInt64
    /// How many of them are shut out.
    public var quarantined: UInt64
    /// Some of the sessions, as many as there is room for.
    public var sessions: [Session] = []

    /// A report without sessions.
    public init(
        name: String, pid: UInt64, version: String, startMs: Int64, mode: Mode, modeMs: Int64, wroteMs: Int64,
        routines: UInt64, running: UInt64, quarantined: UInt64
    ) {
        self.name = name
        self.pid = pid
        self.version = version
        self.startMs = startMs
        self.mode = mode
        self.modeMs = modeMs
        self.wroteMs = wroteMs
        self.routines = routines
        self.running = running
        self.quarantined = quarantined
    }

    /// As it is stored: with the first ones of its sessions, as many as there is room for.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("form", Self.form)
        writer.field("name", name, limit: 255)
        writer.field("pid", pid)
        writer.field("version", version, limit: 64)
        writer.field("start_ms", startMs)
        writer.field("mode", mode.rawValue)
        writer.field("mode_ms", modeMs)
        writer.field("wrote_ms", wroteMs)
        if let skewMs { writer.field("skew_ms", skewMs) }
        writer.field("routines", routines)
        writer.field("running", running)
        writer.field("quarantined", quarantined)
        writer.openList("sessions")
        for session in sessions {
            var more = writer
            session.write(to: &more)
            if more.bytes.count > Self.mostBytes - 2 { break }  // two brackets are still to come
            writer = more
        }
        writer.closeList()
        writer.close()
        return writer.bytes
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.mostBytes else { return nil }
        var draft = Draft()
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in try draft.take(name, from: &cursor) }
            try cursor.finish()
        } catch {
            return nil
        }
        guard draft.form == Self.form, let name = draft.name, let mode = draft.mode else { return nil }
        self = draft.report
        self.name = name
        self.mode = mode
    }

    private static let form: UInt64 = 1

    /// A report that is still being read.
    private struct Draft {
        var form: UInt64?
        var name: String?
        var mode: Mode?
        var report = HostReport(
            name: "", pid: 0, version: "", startMs: 0, mode: .serving, modeMs: 0, wroteMs: 0, routines: 0, running: 0,
            quarantined: 0)

        mutating func take(_ field: String, from cursor: inout JSONCursor) throws(JSONFault) {
            switch field {
            case "form": form = try cursor.unsigned()
            case "name": name = try cursor.string()
            case "pid": report.pid = try cursor.unsigned()
            case "version": report.version = try cursor.string()
            case "start_ms": report.startMs = try cursor.signed()
            case "mode": mode = Mode(rawValue: try cursor.string())
            case "mode_ms": report.modeMs = try cursor.signed()
            case "wrote_ms": report.wroteMs = try cursor.signed()
            case "skew_ms": report.skewMs = try cursor.signed()
            case "routines": report.routines = try cursor.unsigned()
            case "running": report.running = try cursor.unsigned()
            case "quarantined": report.quarantined = try cursor.unsigned()
            case "sessions":
                var sessions: [Session] = []
                try cursor.list { (cursor) throws(JSONFault) in sessions.append(try Session(from: &cursor)) }
                report.sessions = sessions
            default: try cursor.skip()
            }
        }
    }
}

extension HostReport.Session {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open()
        writer.field("id", routine, limit: 300)
        writer.field("session", session.description)
        writer.field("start_ms", startMs)
        if let token { writer.field("token", token) }
        writer.close()
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var found: (routine: String?, session: SessionID?, startMs: Int64, token: UInt64?) = (nil, nil, 0, nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": found.routine = try cursor.string()
            case "session": found.session = SessionID(try cursor.string())
            case "start_ms": found.startMs = try cursor.signed()
            case "token": found.token = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        guard let routine = found.routine, let session = found.session else {
            throw cursor.fault("an id and a session before this")
        }
        self.init(routine: routine, session: session, startMs: found.startMs, token: found.token)
    }
}

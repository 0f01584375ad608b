internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// The reason why the host does not listen at an address, with a remedy.
public enum ListenRefusal: Error, CustomStringConvertible {
    case notNumeric(String)
    case reachable(String)

    /// The reason in one line.
    public var description: String {
        switch self {
        case .notNumeric(let host): "--listen: \(host) is no numeric address, such as 127.0.0.1"
        case .reachable(let host):
            "--listen: others could reach \(host): use 127.0.0.1, or add --listen-anywhere"
        }
    }
}

/// The pages served over HTTP. They are read-only.
extension ControlDesk {
    /// The largest number of records on the page.
    static let recordsShown = 500
    /// The largest total size of these records in bytes.
    static let recordsBytes = 4 << 20

    /// Listens at the address. Throws errors that the user can remedy.
    func listen(at address: ListenAddress, history: [SessionRecord]) throws {
        let listener: Descriptor
        let hosts: AnsweredHosts
        switch address {
        case .tcp(let host, let port):
            guard let isLoopback = TCPListener.isLoopback(host) else { throw ListenRefusal.notNumeric(host) }
            guard isLoopback || settings.listensAnywhere else { throw ListenRefusal.reachable(host) }
            let own = try TCPListener(address: host, port: port)
            log.write(.info, "", "listening on http://\(host.contains(":") ? "[\(host)]" : host):\(own.port)/")
            listener = try own.descriptor.duplicate()
            hosts =
                settings.listensAnywhere
                ? .network(names: Set((settings.listenNames + [HostProcess.hostName]).map { $0.lowercased() }))
                : .loopback
        case .unix(let path):
            // Browsers cannot connect to a Unix socket, so no foreign web page can send requests through one.
            let (folder, name) = Directory.split(path)
            listener = try UnixSocket.listen(try Directory(folder), name: name)
            log.write(.info, "", "listening on \(path), mode 600")
            hosts = .any
        }
        recent = recentRecords(history)
        var bounds = SocketServer.Bounds()
        bounds.clients = 64
        bounds.idle = 30_000_000_000
        web = try SocketServer(
            listener, loop: loop, deadlines: deadlines, clock: clock, bounds: bounds
        ) { [unowned self] _ in
            HTTPConversation(hosts: hosts) { [unowned self] request in page(request) }
        }
    }

    /// The newest records, from the files and from `history`. Files are read only now, before the loop runs; later
    /// records are added one by one.
    private func recentRecords(_ history: [SessionRecord]) -> RecentRecords {
        var recent = RecentRecords(most: Self.recordsShown, mostBytes: Self.recordsBytes)
        var older: [SessionRecord] = []
        if let state = try? Directory(settings.state) {
            older = (try? SessionFiles.last(Self.recordsShown, in: state).records) ?? []
        }
        let written = Set(older.map(\.session))
        for record in older + history.filter({ !written.contains($0.session) }) { recent.add(RecordLine(record)) }
        return recent
    }

    /// The response to one request.
    func page(_ request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/": HTTPResponse(type: "text/html; charset=utf-8", body: ReportPage.live, script: ReportPage.scriptSource)
        case "/metrics": HTTPResponse(type: "text/plain; version=0.0.4; charset=utf-8", body: metrics())
        case "/healthz": HTTPResponse(status: 200, text: "ok")
        case "/readyz": readiness
        case "/status.json": HTTPResponse(json: statusJSON())
        case "/log.json" where request.query.isEmpty: HTTPResponse(json: log.recent.json())
        case "/records.json" where request.query.isEmpty: HTTPResponse(json: recent?.json() ?? [])
        case "/routine.json", "/log.json", "/records.json", "/caches.json": routinePage(request)
        default: sessionPage(request.path)
        }
    }

    /// What is known of one routine.
    private func routinePage(_ request: HTTPRequest) -> HTTPResponse {
        guard let id = RoutinePages.Identifier(request.text("id") ?? "") else {
            return HTTPResponse(status: 400, text: "name a routine: \(request.path)?id=PLUGIN/ROUTINE")
        }
        let pages = RoutinePages(state: settings.state, clock: clock)
        switch request.path {
        case "/routine.json":
            let last = recent?.newest(of: id.plugin, id.routine)
            return pages.sheet(of: id, host.freshSheet(of: id.plugin, id.routine, last: last))
        case "/records.json": return pages.records(of: id)
        case "/caches.json": return pages.caches(of: id)
        default:
            return pages.lines(of: id, in: log.recorder, after: request.value("after").flatMap { UInt64($0) } ?? 0)
        }
    }

    /// What a session has left: its crash report, and its last lines.
    private func sessionPage(_ path: String) -> HTTPResponse {
        func session(after prefix: String, before suffix: String) -> SessionID? {
            guard path.hasPrefix(prefix), path.hasSuffix(suffix) else { return nil }
            return SessionID(path.dropFirst(prefix.count).dropLast(suffix.count))
        }
        if let id = session(after: "/report/", before: "") { return report(of: id, isText: true) }
        if let id = session(after: "/report/", before: ".json") { return report(of: id, isText: false) }
        if let id = session(after: "/lines/", before: ".json") {
            return RoutinePages(state: settings.state, clock: clock).lastLines(of: id)
        }
        return HTTPResponse(
            status: 404,
            text:
                "there is /, /metrics, /healthz, /readyz, /status.json, /records.json, /log.json, /report/SESSION, "
                + "/report/SESSION.json, /lines/SESSION.json; and of one routine, with ?id=PLUGIN/ROUTINE: /routine.json, "
                + "/records.json, /log.json, /caches.json")
    }

    private var readiness: HTTPResponse {
        let summary = summary
        if summary.isStopping { return HTTPResponse(status: 503, text: "stopping") }
        return summary.isReady
            ? HTTPResponse(status: 200, text: "ready") : HTTPResponse(status: 503, text: "loading plugins")
    }

    /// A crash report, found by its file's name without searching the records; as text for people, or as the original
    /// JSON.
    private func report(of id: SessionID, isText: Bool) -> HTTPResponse {
        let absent = HTTPResponse(status: 404, text: "session \(id) has left no crash report, or it is gone")
        guard let reports = try? Directory(settings.state).directory("reports") else { return absent }
        let known = recent?.report(of: id)
        let found = known ?? (try? reports.names())?.first { $0.hasSuffix("@\(id).json") }
        guard let name = found, !name.contains("/"), let file = try? reports.openForReading(name),
            let bytes = try? file.readAll(limit: CrashReportText.limit, subject: name)
        else { return absent }
        // One that an earlier version has kept has more in it than is for others.
        guard isText else {
            return CrashReportText.json(bytes).map { HTTPResponse(json: $0) } ?? absent
        }
        let text = CrashReportText.text(bytes, named: name) ?? "not a crash report\n"
        return HTTPResponse(type: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

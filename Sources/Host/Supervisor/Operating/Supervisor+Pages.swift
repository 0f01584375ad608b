internal import HostCore
internal import HostSystem

/// What is served over HTTP. Nothing can be changed by it.
extension Supervisor {
    /// Records that the page shows at most.
    static let recordsShown = 500
    /// Records that are looked through for one that is asked for.
    static let recordsSearched = 5000

    /// Listens where `--listen` says. Throws what the user can mend.
    func listen(_ address: ListenAddress) throws {
        guard let isLoopback = TCPListener.isLoopback(address.host) else {
            throw UsageError(
                command: .run, message: "--listen: \(address.host) is no numeric address, such as 127.0.0.1")
        }
        guard isLoopback || options.listensAnywhere else {
            throw UsageError(
                command: .run,
                message: "--listen: others could reach \(address.host): use 127.0.0.1, or add --listen-anywhere")
        }
        let listener = try TCPListener(address: address.host, port: address.port)
        log.write(.info, "", "listening on http://\(address.hostText):\(listener.port)/")
        var bounds = SocketServer.Bounds()
        bounds.clients = 64
        bounds.idle = 30_000_000_000
        let anyHost = options.listensAnywhere
        operation.web = try SocketServer(
            try listener.descriptor.duplicate(), loop: loop, deadlines: deadlines, clock: clock, bounds: bounds
        ) { [unowned self] _ in
            HTTPConversation(answersAnyHost: anyHost) { [unowned self] request in page(request) }
        }
    }

    private func page(_ request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/": HTTPResponse(type: "text/html; charset=utf-8", body: ReportPage.live)
        case "/metrics": HTTPResponse(type: "text/plain; version=0.0.4; charset=utf-8", body: metrics())
        case "/healthz": HTTPResponse(status: 200, text: "ok")
        case "/readyz":
            isStopping
                ? HTTPResponse(status: 503, text: "stopping")
                : isReady
                    ? HTTPResponse(status: 200, text: "ready") : HTTPResponse(status: 503, text: "loading plugins")
        case "/status.json": HTTPResponse(type: "application/json", body: statusJSON())
        case "/records.json": HTTPResponse(type: "application/json", body: recordsJSON())
        default:
            if request.path.hasPrefix("/report/"), let id = SessionID(request.path.dropFirst(8)) {
                report(of: id)
            } else {
                HTTPResponse(
                    status: 404,
                    text: "there is /, /metrics, /healthz, /readyz, /status.json, /records.json and /report/SESSION")
            }
        }
    }

    /// The metrics, at most `Operation.freshness` old.
    func metrics() -> [UInt8] {
        let now = clock.monotonic()
        if let known = operation.metrics, now - known.made < Operation.freshness { return known.bytes }
        let bytes = MetricsText.text(status())
        operation.metrics = (now, bytes)
        return bytes
    }

    private func statusJSON() -> [UInt8] {
        let now = clock.monotonic()
        if let known = operation.statusJSON, now - known.made < Operation.freshness { return known.bytes }
        let bytes = status().json()
        operation.statusJSON = (now, bytes)
        return bytes
    }

    /// The newest records as a list, oldest first, at most a second old.
    private func recordsJSON() -> [UInt8] {
        let now = clock.monotonic()
        if let known = operation.recordsJSON, now - known.made < 1_000_000_000 { return known.bytes }
        let records = (try? SessionFiles.last(Self.recordsShown, in: state.directory).records) ?? []
        let bytes = RecordTable.text(records, format: .json, width: nil).utf8.map { $0 }
        operation.recordsJSON = (now, bytes)
        return bytes
    }

    private func report(of id: SessionID) -> HTTPResponse {
        var left = Self.recordsSearched
        var found: SessionRecord?
        _ = try? SessionFiles.read(state.directory, order: .newestFirst) { record in
            left -= 1
            if record.session == id { found = record }
            return found == nil && left > 0
        }
        guard let record = found else { return HTTPResponse(status: 404, text: "there is no record of session \(id)") }
        guard let name = record.report, !name.contains("/"), let file = try? state.reports.openForReading(name),
            let bytes = try? file.readAll(limit: 4 << 20, subject: name)
        else { return HTTPResponse(status: 404, text: "session \(id) has left no crash report") }
        return HTTPResponse(type: "text/plain; charset=utf-8", body: bytes)
    }
}

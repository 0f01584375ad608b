internal import HostCore
internal import HostSystem

/// What is served over HTTP. Nothing can be changed by it.
extension Supervisor {
    /// Records that the page shows at most.
    static let recordsShown = 500
    /// Their bytes at most.
    static let recordsBytes = 4 << 20

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
        // Files are read now, before the loop; from here on records are taken as they come.
        var recent = RecentRecords(most: Self.recordsShown, mostBytes: Self.recordsBytes)
        let older = (try? SessionFiles.last(Self.recordsShown, in: state.directory).records) ?? []
        let written = Set(older.map(\.session))
        for record in older + keeper.history.filter({ !written.contains($0.session) }) {
            recent.add(RecordLine(record))
        }
        operation.recent = recent
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
        case "/records.json": HTTPResponse(type: "application/json", body: operation.recent?.json() ?? [])
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

    /// A crash report, found by its file's name: records are not searched for it.
    private func report(of id: SessionID) -> HTTPResponse {
        let known = operation.recent?.report(of: id)
        let found = known ?? (try? state.reports.names())?.first { $0.hasSuffix("@\(id).json") }
        guard let name = found, !name.contains("/"), let file = try? state.reports.openForReading(name),
            let bytes = try? file.readAll(limit: 4 << 20, subject: name)
        else { return HTTPResponse(status: 404, text: "session \(id) has left no crash report, or it is gone") }
        return HTTPResponse(type: "text/plain; charset=utf-8", body: bytes)
    }
}

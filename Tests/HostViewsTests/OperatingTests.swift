import HostValues
import HostViews
import HostWire
import Testing

/// What goes over the control socket and HTTP, and what is made of it.
@Suite struct OperatingTests {
    static func status(routines: Int = 2) -> HostStatus {
        var status = HostStatus(
            version: "1.0.0", pid: 7, host: "vm", nowMs: 1_000_000, startMs: 1000, uptimeMs: 999_000,
            pluginsPath: "/p \"q\"", statePath: "/s", logLevel: "info")
        status.isReady = true
        status.cpuMs = 12
        status.residentBytes = 1 << 20
        status.plugins = [
            .init(id: "a", file: "a.so", version: "1", state: "ready", why: nil, routines: routines),
            .init(id: "b", file: "b.so", version: "", state: "refused", why: "no \u{1B}[31m note", routines: 0),
        ]
        var worker = HostStatus.Worker(pid: 9, name: "a", uptimeMs: 1000, sessions: 1)
        worker.cpuMs = 100
        worker.residentBytes = 5 << 20
        status.workers = [worker]
        for number in 0..<routines {
            var routine = RoutineStatus(
                plugin: "a", routine: "r\(number)", state: number == 0 ? .waiting : .quarantined)
            routine.session = SessionID(rawValue: UInt64(number) << 20 + 5)
            routine.sessionStartMs = 900_000
            routine.cycle = 10
            routine.maxCycles = 40
            routine.lastStartMs = 999_000
            routine.nextStartMs = 1_004_000
            routine.lastDurationNs = 2_500_000
            routine.cyclesTotal = 1 << 63
            routine.durations = LatencyHistogram([0, 0, 5, 5])
            routine.lateness = LatencyHistogram([9, 1])
            routine.cache.hits = 3
            routine.worker = 9
            routine.why = number == 0 ? nil : "crash"
            status.routines.append(routine)
        }
        return status
    }

    @Test func `a status goes over the socket and comes back the same`() throws {
        let status = Self.status(routines: 3)
        let line = ControlResponse.status(status).line()
        #expect(line.last == 10 && line.dropLast().allSatisfy { $0 != 10 })
        #expect(ControlResponse(line: Array(line.dropLast())) == .status(status))
    }

    @Test(arguments: [
        ControlResponse.outcomes([
            .init(id: "a/b", isDone: true, text: "x"), .init(id: "", isDone: false, text: "\"y\n"),
        ]),
        .level(.debug), .failed("no"), .outcomes([]),
    ])
    func `other answers do too`(response: ControlResponse) {
        #expect(ControlResponse(line: Array(response.line().dropLast())) == response)
    }

    @Test(arguments: [
        ControlRequest(.status), ControlRequest(.pause, identifiers: ["a/b", "c \"d"]),
        ControlRequest(.logLevel, level: .trace), ControlRequest(.logLevel),
    ])
    func `requests do too`(request: ControlRequest) throws {
        #expect(try ControlRequest(line: Array(request.line().dropLast())) == request)
    }

    @Test(arguments: [
        ("", "JSON"), ("{", "JSON"), ("[]", "JSON"), ("{}", "version 1"), (#"{"v":2,"request":"status"}"#, "version 1"),
        (#"{"v":1}"#, "request"), (#"{"v":1,"request":"statsu"}"#, "did you mean status"),
        (#"{"v":1,"request":"stop"}"#, "ids"), (#"{"v":1,"request":"stop","ids":[]}"#, "ids"),
        (#"{"v":1,"request":"stop","ids":"a"}"#, "JSON"), (#"{"v":1,"request":"log-level","level":"loud"}"#, "debug"),
        (#"{"v":1,"request":"status"} {"v":1}"#, "JSON"), (#"{"v":-1,"request":"status"}"#, "JSON"),
        (#"{"v":99999999999999999999999,"request":"status"}"#, "JSON"), ("\u{0}\u{1}\u{FF}", "JSON"),
        (#"{"v":1,"x":"# + String(repeating: "[", count: 5000), "JSON"),
    ])
    func `a malformed request is an error that says what is allowed`(text: String, words: String) {
        do {
            _ = try ControlRequest(line: Array(text.utf8))
            Issue.record("\(text) was taken")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
        }
    }

    @Test func `quantiles are right within a bucket, and sums do not overflow`() {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        histogram = LatencyHistogram([0, 10, 0, 0, 10])
        #expect((1024...2048).contains(histogram.quantile(0.25) ?? 0))
        #expect((8192...16384).contains(histogram.quantile(0.99) ?? 0))
        #expect(histogram.quantile(.nan) != nil)
        histogram.add(LatencyHistogram(Array(repeating: .max, count: 30)))
        #expect(histogram.total == .max)
        #expect(histogram.counts.count == LedgerHistogram.count)
    }

    @Test(arguments: [nil, 200, 80, 40, 10] as [Int?])
    func `the table fits its width, and no plugin moves the cursor`(width: Int?) {
        let text = StatusTable.text(Self.status(), width: width)
        #expect(!text.contains("\u{1B}"))
        let table = text.split(separator: "\n").filter { $0.hasPrefix("a/r") || $0.hasPrefix("ROUTINE") }
        #expect(table.count == 3)
        if let width, width >= 40 {
            for line in table { #expect(TerminalText.width(String(line)) <= width, "\(line)") }
        }
        if width == nil { #expect(table[0].contains("LATE P99") && table[0].contains("CPU")) }
    }

    @Test func `colours stand around whole lines, only where they are wanted`() {
        var status = Self.status()
        status.plugins.append(
            .init(id: "x", file: "x.so", version: "", state: "refused", why: "x.so: empty", routines: 0))
        let plain = StatusTable.text(status)
        let lines = StatusTable.text(status, isColored: true).split(separator: "\n")
        #expect(lines.contains("\u{1B}[31mx.so is refused: x.so: empty\u{1B}[0m"))
        #expect(lines.contains { $0.hasPrefix("\u{1B}[1mROUTINE ") && $0.hasSuffix("\u{1B}[0m") })
        #expect(lines.contains { $0.hasPrefix("\u{1B}[31ma/r1 ") })
        #expect(plain.split(separator: "\n")[0].contains(" refused"))
        #expect(plain.contains("\nx.so is refused: x.so: empty\n"))
        let bare = lines.map { line in
            ["\u{1B}[31m", "\u{1B}[33m", "\u{1B}[2m", "\u{1B}[1m", "\u{1B}[0m"].reduce(String(line)) {
                $0.components(of: $1).joined()
            }
        }
        #expect(bare == plain.split(separator: "\n").map { String($0) })
    }

    @Test func `the newest lines of a log are kept, each within its bound`() {
        var lines = RecentLines()
        #expect(lines.json() == Array("[]".utf8))
        for number in 1...1000 { lines.add(.info, "a/r", "line \(number)", ms: Int64(number)) }
        lines.add(.error, "", String(repeating: "é", count: 5000), ms: 2000)
        let text = String(decoding: lines.json(), as: UTF8.self)
        #expect(text.hasPrefix(#"[{"ms":802,"level":"info","subject":"a/r","text":"line 802"},"#), "\(text.prefix(80))")
        #expect(text.split(separator: "{").count == RecentLines.most + 1 && text.utf8.count < 20_000)
    }

    @Test func `names are sorted as people count`() {
        let names = ["worker-10", "worker-2", "worker-1"].map {
            RoutineStatus(plugin: $0, routine: "r", state: .waiting)
        }
        for key in TopScreen.Key.allCases {
            let sorted = TopScreen(key: key).sorted(names)
            #expect(sorted.map(\.plugin) == ["worker-1", "worker-2", "worker-10"], "\(key)")
        }
    }

    @Test func `counters, states and histograms are in the metrics`() {
        let text = String(decoding: MetricsText.text(Self.status()), as: UTF8.self)
        #expect(text.contains("schedhost_routine_cycles_total{plugin=\"a\",routine=\"r0\"} 9223372036854775808\n"))
        #expect(text.contains("schedhost_routine_state{plugin=\"a\",routine=\"r1\",state=\"quarantined\"} 1\n"))
        #expect(
            text.contains("schedhost_routine_duration_seconds_bucket{plugin=\"a\",routine=\"r0\",le=\"+Inf\"} 10\n"))
        #expect(text.contains("schedhost_routine_duration_seconds_count{plugin=\"a\",routine=\"r0\"} 10\n"))
        for line in text.split(separator: "\n") where line.hasPrefix("# TYPE") {
            #expect(text.contains("# HELP " + line.split(separator: " ")[2] + " "))
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: localhost:9800\r\n\r\n", true), ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", true), ("GET / HTTP/1.1\nHost: LOCALHOST\n\n", true),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: 127.evil.example.x\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: localhost.evil:80\r\n\r\n", false), ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1@evil\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: [::1].evil\r\n\r\n", false),
    ])
    func `only names of the loopback interface are ours`(text: String, isOurs: Bool) {
        guard case .request(let request, let length) = HTTPRequest.read(Array(text.utf8)[...]) else {
            return #expect(Bool(false), "no request")
        }
        #expect(AnsweredHosts.loopback.contains(request.host) == isOurs)
        #expect(length == text.utf8.count)
    }

    @Test(arguments: [
        ("192.0.2.1:9800", true), ("[2001:db8::1]:9800", true), ("[::ffff:192.0.2.1]", true), ("", true),
        ("localhost", true), ("127.0.0.1", true), ("web1:9800", true), ("web1.", true), ("metrics.example", true),
        ("evil.example", false), ("web1.evil.example", false), ("192.0.2.1.evil.example", false), ("192.0.2", false),
        ("+1.2.3.4", false), ("[evil.example]", false), ("[::1].evil", false), ("web1:x", false),
    ])
    func `other machines reach it by address and by the names that are given`(host: String, isOurs: Bool) {
        #expect(AnsweredHosts.network(names: ["web1", "metrics.example"]).contains(host) == isOurs)
        #expect(AnsweredHosts.any.contains(host))
    }

    @Test(arguments: [
        ("GET", 0), ("GET / HTTP/1.1\r\nHost: a\r\n", 0), ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("\r\n\r\n", 400),
        ("GET / HTTP/2\r\nHost: a\r\n\r\n", 400), ("GET https://x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://x/ HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: \u{1}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 33_000), 431),
        (String(repeating: "\n", count: 9000), 400),
    ])
    func `what is no request gets its status`(text: String, expected: Int) {
        switch HTTPRequest.read(Array(text.utf8)[...]) {
        case .partial: #expect(expected == 0)
        case .refused(let status, _): #expect(status == expected)
        case .request: Issue.record("\(text) was taken")
        }
    }

    @Test(arguments: [
        ("http://localhost:9800/status?a=b?c", "/status", "a=b?c", true), ("HTTP://127.0.0.1", "/", "", true),
        ("http://localhost?q", "/", "q", true), ("http://evil.example/", "/", "", false),
    ])
    func `an absolute target counts more than the Host header`(
        target: String, path: String, query: String, isOurs: Bool
    ) {
        let other = isOurs ? "evil.example" : "localhost"
        let text = "GET \(target) HTTP/1.1\r\nHost: \(other)\r\n\r\n"
        guard case .request(let request, _) = HTTPRequest.read(Array(text.utf8)[...]) else {
            return #expect(Bool(false), "no request")
        }
        #expect(
            request.path == path && request.query == query && AnsweredHosts.loopback.contains(request.host) == isOurs)
    }

    @Test func `cookies of other programs do not matter, however long and in whatever letters`() {
        for cookies in [String(repeating: "a", count: 9000), "n=é", "n=\u{2028}Host: evil", "n=\u{85}X", "n=\u{FFFD}"] {
            let text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nCookie: \(cookies)\r\n\r\n"
            let bytes = Array(text.utf8)
            guard case .request(let request, let length) = HTTPRequest.read(bytes[...]) else {
                Issue.record("\(cookies.prefix(20)) is refused")
                continue
            }
            #expect(
                AnsweredHosts.loopback.contains(request.host) && request.path == "/metrics" && length == bytes.count)
        }
        let latin = Array("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: n=".utf8) + [0xE9] + Array("\r\n\r\n".utf8)
        guard case .request = HTTPRequest.read(latin[...]) else {
            return #expect(Bool(false), "bytes that are no UTF-8")
        }
        for text in ["GET /é HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nCookie: \u{7F}\r\n\r\n"] {
            guard case .refused(400, _) = HTTPRequest.read(Array(text.utf8)[...]) else {
                Issue.record("\(text) was taken")
                continue
            }
        }
    }

    @Test func `a head that comes byte by byte is searched once`() {
        let text = "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + String(repeating: "c", count: 30_000) + "\r\n\r\n"
        let bytes = Array((text + "GET").utf8)
        var search = HTTPRequest.Search()
        for count in stride(from: 1, to: text.utf8.count, by: 7) {
            guard case .partial = HTTPRequest.read(bytes[..<count], &search) else {
                return #expect(Bool(false), "taken after \(count) bytes")
            }
        }
        guard case .request(_, text.utf8.count) = HTTPRequest.read(bytes[...], &search) else {
            return #expect(Bool(false), "not taken")
        }
    }

    @Test func `a page cannot be left by what is in it`() {
        let hostile = "</script><script>alert(1)</script><!--"
        var status = Self.status()
        status.plugins[1].why = hostile
        let page = String(
            decoding: ReportPage.whole(
                status: status, records: [], reports: [SessionID(rawValue: 5): hostile], madeMs: 1),
            as: UTF8.self)
        #expect(!page.contains(hostile) && !page.contains("<script>alert"))
        #expect(page.components(of: "<script").count - 1 == 2)
        #expect(
            !page.contains("http://")
                || page.components(of: "http://").count - 1 == page.components(of: "http://www.w3.org").count - 1)
    }

    @Test func `the journal's fields`() {
        let entry = JournalEntry.bytes(.error, subject: "p/r", text: "a\nb")
        let head = "PRIORITY=3\nSYSLOG_IDENTIFIER=schedhost\nSCHEDHOST_PLUGIN=p\nSCHEDHOST_ROUTINE=r\nMESSAGE\n"
        #expect(entry.starts(with: Array(head.utf8)))
        #expect(Array(entry.dropFirst(head.utf8.count)) == [8, 0, 0, 0, 0, 0, 0, 0] + Array("p/r: a\nb\n".utf8))
        let plain = String(decoding: JournalEntry.bytes(.info, subject: "", text: "x"), as: UTF8.self)
        #expect(plain == "PRIORITY=6\nSYSLOG_IDENTIFIER=schedhost\nMESSAGE=x\n")
    }

    @Test func `progress says how far and how long`() {
        var routine = RoutineStatus(plugin: "p", routine: "r", state: .waiting)
        #expect(ProgressLine.text([routine], nowMs: 0, width: 80) == "")
        routine.sessionStartMs = 0
        routine.maxCycles = 100
        routine.cycle = 25
        #expect(ProgressLine.text([routine], nowMs: 25_000, width: 80) == "p/r 25/100 25 % 1m 15.0s left")
        routine.untilMs = 35_000
        #expect(ProgressLine.text([routine], nowMs: 25_000, width: 80) == "p/r 25/100 71 % 10.0 s left")
        let few = ProgressLine.text(Array(repeating: routine, count: 9), nowMs: 25_000, width: 60)
        #expect(TerminalText.width(few) <= 60 && few.hasSuffix("+7"), "\(few)")
        routine.maxCycles = .max
        routine.cycle = .max
        routine.untilMs = .min
        let many = ProgressLine.text(Array(repeating: routine, count: 9), nowMs: .max, width: 60)
        #expect(TerminalText.width(many) <= 60, "\(many)")
    }

    @Test func `top sorts, scrolls, fits and quits`() {
        var top = TopScreen()
        top.take(Self.status(routines: 50))
        for (columns, rows) in [(80, 24), (200, 10), (20, 3), (1, 1)] {
            let frame = top.frame(columns: columns, rows: rows, isColored: false)
            let lines = frame.components(of: "\r\n")
            #expect(lines.count <= max(rows, 5))
            for line in lines {
                let plain = ["\u{1B}[H", "\u{1B}[K", "\u{1B}[J"].reduce(line) { $0.components(of: $1).joined() }
                #expect(!plain.contains("\u{1B}"))
                if columns >= 40 { #expect(TerminalText.width(plain) <= columns, "\(plain)") }
            }
        }
        #expect(top.type(Array("ssr".utf8)) == .none)
        #expect(top.key == .cycles)
        #expect(top.type([0x1B, 0x5B, 0x42, 0x1B, 0x5B, 0x1B]) == .none)
        #expect(top.type(Array("xq".utf8)) == .quit)
        #expect(top.frame(columns: 80, rows: 24, isColored: true).contains("\u{1B}[1m"))
    }

    @Test(
        arguments: [
            ("127.0.0.1:9800", "127.0.0.1", 9800), ("[::1]:0", "::1", 0), ("localhost:80", "127.0.0.1", 80),
        ] as [(String, String, UInt16)])
    func `addresses to listen at`(text: String, host: String, port: UInt16) throws {
        #expect(ListenAddress(text) == .tcp(host: host, port: port))
    }

    @Test func `the page's policy allows its own script and no other`() throws {
        let page = String(decoding: ReportPage.live, as: UTF8.self)
        let parts = page.components(of: "<script>")
        try #require(parts.count == 2)
        let script = parts[1].components(of: "</script>")[0]
        #expect(ReportPage.scriptSource == "'sha256-\(SHA256.base64(Array(script.utf8)))'")
        #expect(page.contains("script-src \(ReportPage.scriptSource);"))
        let head = HTTPResponse(type: "text/html", body: [], script: ReportPage.scriptSource).head(keepsAlive: true)
        #expect(String(decoding: head, as: UTF8.self).contains("script-src \(ReportPage.scriptSource);"))
        #expect(
            String(decoding: HTTPResponse(status: 404, text: "").head(keepsAlive: true), as: UTF8.self).contains(
                "script-src 'none';"))
    }

    @Test func `a socket of the file system to listen at`() {
        #expect(ListenAddress("unix:/run/x:1/http.sock") == .unix("/run/x:1/http.sock"))
        #expect(ListenAddress("unix:http.sock") == .unix("http.sock"))
    }

    @Test(arguments: [
        "", "9800", ":9800", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:9800", "a:-1", "unix:", "unix:/run/",
    ])
    func `what is no address`(text: String) { #expect(ListenAddress(text) == nil) }
}

extension String {
    /// The parts between a separator.
    fileprivate func components(of separator: String) -> [String] {
        var parts: [String] = []
        var rest = Array(unicodeScalars)[...]
        let wanted = Array(separator.unicodeScalars)
        var part = String.UnicodeScalarView()
        while !rest.isEmpty {
            if rest.starts(with: wanted) {
                parts.append(String(part))
                part = .init()
                rest = rest.dropFirst(wanted.count)
            } else if let scalar = rest.popFirst() {
                part.append(scalar)
            }
        }
        return parts + [String(part)]
    }
}

import FoundationEssentials
import HostSystem
import HostTestKit
import HostValues
import HostViews
import HostWire
import Testing

@testable import HostSupervisor

extension MemoryLog: ConsoleLog {
    var recent: RecentLines { RecentLines() }
    var recorder: FlightRecorder {
        var recorder = FlightRecorder()
        for number in 1...3 as ClosedRange<Int64> {
            recorder.add(.error, "a/r", "line \(number) <b>\u{202E}", ms: number)
            recorder.add(.info, "a/other", "no line of it", ms: number)
        }
        recorder.add(.info, "a", "printed", ms: 4)
        return recorder
    }
}

/// The control desk in virtual time, asked without sockets.
@Suite struct ControlDeskTests {
    private final class FakeHost: ControlledHost {
        var made = 0
        var orders: [ControlRequest] = []
        var summary = HostSummary()
        var isReady: Bool { summary.isReady }
        var isStopping: Bool { summary.isStopping }
        var hasProgress = false
        var workers: Set<Int32> = []
        func isWorker(_ pid: Int32) -> Bool { workers.contains(pid) }
        func isOrphan(_ child: Int32) -> Bool { true }
        var running: [RoutineStatus] = []

        func freshStatus() -> HostStatus {
            made += 1
            var status = HostStatus(
                version: "1", pid: 1, host: "box", nowMs: Int64(made), startMs: 0, uptimeMs: 0, pluginsPath: "p",
                statePath: "s", logLevel: "info")
            status.routines = [RoutineStatus(plugin: "a", routine: "r\"\\\n", state: .running)]
            status.plugins = [.init(id: "a", file: "a.so", version: "1", state: "ready", why: nil, routines: 1)]
            return status
        }
        func freshSheet(of plugin: String, _ routine: String, last: SessionRecord?) -> RoutineSheet? {
            let status = freshStatus()
            return status.routines.first { $0.plugin == plugin && $0.routine == routine }.map {
                RoutineSheet($0, at: status, sharing: 1, last: last)
            }
        }
        func progress(most: Int) -> [RoutineStatus] { Array(running.prefix(most)) }
        func perform(_ order: ControlRequest) -> ControlResponse {
            orders.append(order)
            return .outcomes([.init(id: "a/r", isDone: true, text: "done")])
        }
    }

    private final class Scratch {
        let path: String
        init() throws { path = try Directory.makeTemporary("schedhost-desk", in: "/tmp").path }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let scratch: Scratch
    private let host = FakeHost()
    private let clock = TestClock()
    private let deadlines = Deadlines()
    private let log = MemoryLog()
    private let loop: EventLoop

    init() throws {
        scratch = try Scratch()
        loop = try EventLoop(clock: clock)
    }

    private func desk(_ change: (inout ControlDesk.Settings) -> Void = { _ in }) throws -> ControlDesk {
        var settings = ControlDesk.Settings(state: scratch.path)
        change(&settings)
        return try ControlDesk(
            settings, host: host, manager: nil, loop: loop, deadlines: deadlines, clock: clock, log: log)
    }

    private func request(_ path: String) throws -> HTTPRequest {
        let text = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        guard case .request(let request, _) = HTTPRequest.read(Array(text.utf8)[...]) else {
            throw SystemError("read", path, number: 22)
        }
        return request
    }

    @Test func `many that ask within a moment get one answer, and the next moment another`() throws {
        let desk = try desk()
        let first = desk.answer(ControlRequest(.status))
        #expect(desk.answer(ControlRequest(.status)) == first)
        _ = (desk.metrics(), desk.statusJSON(), desk.metrics())
        #expect(host.made == 1, "page, metrics and socket share it")
        clock.advance(ControlDesk.freshness)
        #expect(desk.answer(ControlRequest(.status)) != first && host.made == 2)
    }

    @Test func `who has given an order, or was told of an end, sees it in the next status`() throws {
        let desk = try desk()
        _ = desk.answer(ControlRequest(.status))
        let answer = desk.answer(ControlRequest(.pause, identifiers: ["a/r"]))
        #expect(ControlResponse(line: answer.dropLast()) == .outcomes([.init(id: "a/r", isDone: true, text: "done")]))
        _ = desk.answer(ControlRequest(.status))
        #expect(host.made == 2 && host.orders.map(\.action) == [.pause])
        desk.sessionEnds("a/r")
        _ = desk.statusJSON()
        #expect(host.made == 3)
    }

    @Test func `each request but status is an order`() throws {
        let desk = try desk()
        for action in ControlRequest.Action.allCases { _ = desk.answer(ControlRequest(action)) }
        #expect(host.orders.map(\.action) == ControlRequest.Action.allCases.filter { $0 != .status })
    }

    @Test(arguments: [
        (HostSummary(), 503, "loading"), (HostSummary(isReady: true), 200, "ready"),
        (HostSummary(isReady: true, isStopping: true), 503, "stopping"),
        (HostSummary(isStopping: true), 503, "stopping"),
    ])
    func `whether it is ready`(summary: HostSummary, status: Int, text: String) throws {
        host.summary = summary
        let answer = try desk().page(request("/readyz"))
        #expect(answer.status == status && String(decoding: answer.body, as: UTF8.self).hasPrefix(text))
    }

    @Test(arguments: [
        ("/", 200), ("/metrics", 200), ("/healthz", 200), ("/status.json", 200), ("/records.json", 200),
        ("/log.json", 200), ("/x", 404),
        ("/report/../../etc/passwd", 404), ("/report/0000000000000", 404), ("/report/", 404),
        ("/report/0000000000000.json", 404), ("/report/../lock.json", 404),
    ])
    func `pages`(path: String, status: Int) throws {
        #expect(try desk().page(request(path)).status == status)
    }

    @Test(arguments: [
        ("/routine.json", 400), ("/routine.json?id=", 400), ("/routine.json?id=a", 400), ("/routine.json?id=a%2", 400),
        ("/routine.json?id=%FF/r", 400), ("/routine.json?id=/r", 400), ("/routine.json?id=a/", 400),
        ("/routine.json?id=a/x", 404), ("/routine.json?id=a/r%22%5C%0A", 200), ("/log.json?id=a/gone", 200),
        ("/log.json?id=a/r", 200), ("/log.json?id=a/r&after=x", 200), ("/log.json?x", 400), ("/records.json?id=x", 400),
        ("/records.json?id=a/r", 200), ("/caches.json?id=a/r", 200), ("/caches.json?id=../..%2F..", 200),
        ("/caches.json", 400), ("/lines/0000000000000.json", 404), ("/lines/../lock.json", 404), ("/lines/", 404),
        ("/lines/0000000000000", 404),
    ])
    func `pages of one routine or session`(path: String, status: Int) throws {
        let answer = try desk().page(request(path))
        #expect(answer.status == status, "\(String(decoding: answer.body, as: UTF8.self))")
        #expect(host.orders.isEmpty, "nothing is changed")
    }

    @Test func `a routine's sheet, its lines after those that are known, and its records from the files`() throws {
        let desk = try desk()
        let sheet = String(decoding: try desk.page(request("/routine.json?id=a%2Fr%22%5C%0A")).body, as: UTF8.self)
        #expect(sheet.contains(#""id":"a/r\"\\\n""#) && sheet.contains(#""why":"It runs now"#), "\(sheet)")
        #expect(sheet.contains(#""file":"a.so""#) && sheet.contains(#""sharing":1"#))
        func lines(_ query: String) throws -> [String] {
            let body = String(decoding: try desk.page(request("/log.json?id=a/r" + query)).body, as: UTF8.self)
            return body.matches(of: #/"text":"([a-z]+ ?\d?)/#).map { String($0.1) }
        }
        #expect(try lines("") == ["line 1", "line 2", "line 3", "printed"], "its own and its plugin's")
        #expect(try lines("&after=3") == ["line 3", "printed"] && lines("&after=99") == [])
        let state = try Directory(scratch.path)
        try state.save(SessionRecord.sample(1).line() + [0x0A], as: "sessions.jsonl")
        let records = try desk.page(request("/records.json?id=market-poller%2fsnapshot")).body
        let expected = #"{"whole":true,"records":\#(RecordTable.json([.sample(1)]))}"#
        #expect(String(decoding: records, as: UTF8.self) == expected)
    }

    @Test func `the last lines of a session are found by its number alone`() throws {
        let record = SessionRecord.sample(1)
        var lines = try LastLines(in: try Directory(scratch.path))
        let line = LogLine(ms: 1, level: .warning, subject: "market-poller/snapshot", text: "before the end")
        lines.keep([line], of: record, at: clock.monotonic())
        let answer = try desk().page(request("/lines/\(record.session).json"))
        #expect(answer.status == 200)
        #expect(
            String(decoding: answer.body, as: UTF8.self)
                == #"[{"ms":1,"level":"warning","subject":"market-poller/snapshot","text":"before the end"}]"#)
    }

    @Test(arguments: [("::1x", false), ("example.org", false), ("0.0.0.0", true), ("192.0.2.1", true)])
    func `an address that others reach is refused, and what is none`(address: String, isNumeric: Bool) throws {
        let desk = try desk { $0.listen = ListenAddress("[\(address)]:0") }
        #expect(throws: ListenRefusal.self) { try desk.open(history: []) }
        #expect(try !Directory(scratch.path).names().contains(HostState.controlSocket), "no socket of nobody stays")
        desk.close()
    }

    @Test func `the metrics file that cannot be replaced is said once, and written when it can be`() throws {
        let path = scratch.path + "/metrics.prom"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data().write(to: URL(filePath: path + "/in-the-way"))
        let desk = try desk { $0.metricsFile = path }
        try desk.open(history: [])
        deadlines.run(clock, for: 60_000_000_000)
        #expect(log.take(.error).count == 1)
        try FileManager.default.removeItem(atPath: path)
        deadlines.run(clock, for: 10_000_000_000)
        let text = try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(text.contains("schedhost_ready") && log.take(.error).isEmpty)
        desk.close()
    }

    @Test func `progress is shown while there is some, and not under the line of its end`() throws {
        let desk = try desk { $0.showsProgress = true }
        var routine = RoutineStatus(plugin: "a", routine: "r", state: .running)
        routine.sessionStartMs = 0
        routine.maxCycles = 10
        desk.notify()
        #expect(deadlines.earliest == .never, "nothing to show is no timer")
        host.hasProgress = true
        host.running = [routine]
        desk.notify()
        deadlines.run(clock, for: 1_000_000_000)
        #expect(log.footer.contains("a/r 0/10"))
        desk.sessionEnds("other/r")
        #expect(!log.footer.isEmpty)
        desk.sessionEnds("a/r")
        #expect(log.footer.isEmpty)
        host.running = []
        deadlines.run(clock, for: 2_000_000_000)
        #expect(log.footer.isEmpty && deadlines.earliest == .never)
    }

    @Test func `the metrics as JSON have the samples and the numbers of the text`() throws {
        let status = host.freshStatus()
        let text = String(decoding: MetricsText.text(status), as: UTF8.self)
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let json = MetricsJSON.json(status)
        let families = try JSONDecoder().decode([Family].self, from: Data(json))
        #expect(families.map(\.name).count == text.split(separator: "# TYPE").count - 1)
        let written = families.flatMap(\.samples)
        #expect(written.count == samples.count)
        for (sample, line) in zip(written, samples) {
            #expect(line.hasPrefix(sample.name) && line.hasSuffix(" " + (line.split(separator: " ").last ?? "")))
            #expect(sample.value == line.split(separator: " ").last.flatMap { Double($0) })
        }
        let state = written.first { $0.name == "schedhost_routine_state" && $0.value == 1 }
        #expect(state?.labels == ["plugin": "a", "routine": "r\"\\\n", "state": "running"])
    }

    private struct Family: Decodable {
        struct Sample: Decodable {
            var name: String
            var labels: [String: String]
            var value: Double?
        }
        var name: String
        var type: String
        var help: String
        var samples: [Sample]
    }
}

/// systemd as the manager, in virtual time.
@Suite struct ServiceManagerTests {
    private final class Said { var lines: [String] = [] }
    private final class Summary {
        var value = HostSummary()
        var made = 0
    }

    private let said = Said()
    private let summary = Summary()
    private let clock = TestClock()
    private let deadlines = Deadlines()
    private let second: Int64 = 1_000_000_000

    private func manager(watchdog: Int64 = 0) -> ServiceManager {
        let manager = ServiceManager(watchdogMicroseconds: watchdog) { [said] in said.lines.append($0) }
        manager.begin(
            deadlines, clock,
            ServiceManager.Host(
                isReady: { [summary] in summary.value.isReady }, isStopping: { [summary] in summary.value.isStopping },
                summary: { [summary] in
                    summary.made += 1
                    return summary.value
                }))
        return manager
    }

    @Test func `what costs the more the more plugins there are is counted once a second`() {
        let manager = manager()
        for number in 1...1000 {
            summary.value.running = number % 2
            manager.notify()
        }
        #expect(summary.made == 1)
        deadlines.run(clock, for: 10 * second)
        #expect(summary.made == 2, "and not again while nothing happens")
    }

    @Test func `ready is said once, the status at most once a second, and the end once`() {
        let manager = manager()
        manager.notify()
        #expect(said.lines == ["STATUS=0 plugins, 0 of 0 routines in a session"])
        summary.value.isReady = true
        for number in 1...100 {
            summary.value.running = number
            manager.notify()
            deadlines.run(clock, for: second / 50)
        }
        #expect(said.lines.filter { $0 == "READY=1" }.count == 1)
        #expect((3...5).contains(said.lines.filter { $0.hasPrefix("STATUS=") }.count), "\(said.lines)")
        deadlines.run(clock, for: second)
        #expect(said.lines.last == "STATUS=0 plugins, 100 of 0 routines in a session", "the last one is not lost")
        summary.value.isStopping = true
        for _ in 1...3 { manager.notify() }
        #expect(said.lines.filter { $0.hasPrefix("STOPPING=1") }.count == 1)
    }

    @Test func `after a reload it is ready again`() {
        let manager = manager()
        summary.value.isReady = true
        manager.notify()
        manager.reloadBegins()
        #expect(said.lines.last?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true && !manager.hasSaidReady)
        manager.notify()
        #expect(said.lines.filter { $0 == "READY=1" }.count == 2)
    }

    @Test(arguments: [(0, 0), (10_000_000, 13), (1_000_000, 121), (-1, 0), (Int64.max, 0)])
    func `signs of life come twice in their time`(watchdog: Int64, count: Int) {
        let manager = manager(watchdog: watchdog)
        deadlines.run(clock, for: 60 * second)
        #expect(said.lines.filter { $0 == "WATCHDOG=1" }.count == count)
        withExtendedLifetime(manager) {}
    }

    @Test func `who is shut out is named`() {
        var summary = HostSummary()
        summary.quarantined = ["b/r", "a/r"]
        #expect(summary.line.hasSuffix("quarantined: a/r and 1 more"))
        summary.quarantined = ["b/r"]
        #expect(summary.line.hasSuffix("quarantined: b/r"))
    }
}

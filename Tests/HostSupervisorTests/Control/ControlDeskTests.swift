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
}

/// The control desk in virtual time, asked without sockets.
@Suite struct ControlDeskTests {
    private final class FakeHost: ControlledHost {
        var made = 0
        var orders: [ControlRequest] = []
        var summary = HostSummary()
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

    @Test(arguments: [("::1x", false), ("example.org", false), ("0.0.0.0", true), ("192.0.2.1", true)])
    func `an address that others reach is refused, and what is none`(address: String, isNumeric: Bool) throws {
        let desk = try desk { $0.listen = ListenAddress("[\(address)]:0") }
        #expect(throws: ListenRefusal.self) { try desk.open(history: []) }
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
    private final class Summary { var value = HostSummary() }

    private let said = Said()
    private let summary = Summary()
    private let clock = TestClock()
    private let deadlines = Deadlines()
    private let second: Int64 = 1_000_000_000

    private func manager(watchdog: Int64 = 0) -> ServiceManager {
        let manager = ServiceManager(watchdogMicroseconds: watchdog) { [said] in said.lines.append($0) }
        manager.begin(deadlines, clock) { [summary] in summary.value }
        return manager
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

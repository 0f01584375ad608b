import HostValues
import HostViews
import HostWire
import Testing

/// Where people and alarms look for a configuration that a running host refuses.
@Suite struct RefusedConfigurationTests {
    private static var status: HostStatus {
        var status = OperatingTests.status()
        status.refusedConfigurations = [
            .init(file: "/p/schedhost.json5", plugin: nil, why: "/p/schedhost.json5:1:3: x: unknown"),
            .init(file: "/p/schedhost.json5", plugin: "a", why: "/p/schedhost.json5:2:1: plugins.a: wrong"),
            .init(file: "/p/b.json5", plugin: "b", why: "b is wrong", keepsFormer: false),
        ]
        return status
    }

    @Test func `it goes over the socket and comes back the same`() {
        let line = ControlResponse.status(Self.status).line()
        #expect(ControlResponse(line: Array(line.dropLast())) == .status(Self.status))
    }

    @Test func `the table has it, unless it is the reason why a plugin is refused`() {
        let lines = StatusTable.text(Self.status).split(separator: "\n")
        #expect(lines[0].hasSuffix("1 refused, 2 refused configurations"))
        #expect(
            lines.contains(
                "configuration refused: /p/schedhost.json5:1:3: x: unknown: the settings before still hold, and with this file "
                    + "the host would not start again"))
        #expect(
            lines.contains(
                "configuration refused: /p/schedhost.json5:2:1: plugins.a: wrong: the settings before still hold, and with this "
                    + "file the plugin is refused when it is loaded again"))
        #expect(!lines.contains { $0.contains("b is wrong") })
    }

    @Test func `why has it, for whom it concerns`() {
        func text(_ plugin: String) -> String {
            let routine = RoutineStatus(plugin: plugin, routine: "r", state: .idle)
            return RoutineExplanation(routine, at: Self.status, last: nil).text
        }
        #expect(text("a@one").contains("Configuration refused: /p/schedhost.json5:2:1: plugins.a: wrong: "))
        #expect(text("c").contains("x: unknown") && !text("c").contains("plugins.a"))
        let store = HostStatus.Plugin(id: "a", file: "a.so", version: "1", state: "ready", why: nil, routines: 0)
        #expect(RoutineExplanation(store, at: Self.status).text.contains("plugins.a: wrong"))
    }

    @Test func `each file is one series of the metrics`() {
        let text = String(decoding: MetricsText.text(Self.status), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("schedhost_configuration_refused") }
        #expect(
            lines == [
                "schedhost_configuration_refused{file=\"/p/b.json5\"} 1",
                "schedhost_configuration_refused{file=\"/p/schedhost.json5\"} 1",
            ])
    }
}

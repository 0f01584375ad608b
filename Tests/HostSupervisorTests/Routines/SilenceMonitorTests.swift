import HostPolicy
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Which routines are asked for signs of life, in virtual time.
@Suite struct SilenceMonitorTests {
    private final class Seen {
        var asked: [SilenceMonitor.Place] = []
        var told: [String] = []
    }

    private let clock = TestClock()
    private let deadlines = Deadlines()
    private let seen = Seen()
    private let monitor: SilenceMonitor

    init() {
        monitor = SilenceMonitor(clock: clock, deadlines: deadlines)
        monitor.activity = { [seen] in
            seen.asked.append($0)
            return .works(session: 1, good: 0)
        }
        monitor.tell = { [seen] name, place, _ in seen.told.append("\(name) \(place.program).\(place.position)") }
    }

    private func begin(_ name: String, _ program: Int, _ position: Int = 0) {
        let plugin = PluginDescription.named("p")
        let layer = ConfigurationLayer(
            commandLine: [.onSilenceAfterMs: .integer(60_000), .onSilenceRun: .command(["true"])])
        monitor.begin(
            name, EffectiveSettings(of: plugin.routines[0], in: plugin, commandLine: layer),
            at: .init(program: program, position: position))
    }

    @Test func `who is due is asked where it is, and nobody else`() {
        begin("p/a", 1)
        deadlines.run(clock, for: 30_000_000_000)
        begin("p/b", 1, 1)
        deadlines.run(clock, for: 40_000_000_000)
        #expect(seen.asked == [.init(program: 1, position: 0)] && seen.told == ["p/a 1.0"])
    }

    @Test func `a program that is gone leaves nothing, and its successor is watched`() {
        for number in 1...100 {
            begin("p/a", number)
            begin("build-\(number)/a", number)
            if number < 100 { monitor.forget([number]) }
        }
        #expect(monitor.count == 2)
        deadlines.run(clock, for: 70_000_000_000)
        #expect(seen.told.sorted() == ["build-100/a 100.0", "p/a 100.0"])
    }
}

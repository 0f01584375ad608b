import HostPolicy
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Folders that were made for a plugin whose name had to be guessed before its description.
@Suite struct GuessedFolderTests {
    private let harness = FleetHarness()

    private func load(_ plugin: Int, of home: String, isForRunning: Bool) -> Load {
        var load = FleetHarness.load(plugin, isForRunning: isForRunning)
        load.home = .plugin(home)
        return load
    }

    @Test func `those of a wrong guess are removed with its worker, and those of what runs stay`() throws {
        _ = try harness.fleet.prepare(load(1, of: "guessed", isForRunning: false))
        harness.launcher.workers[0].answerLoads()
        _ = try harness.fleet.prepare(load(1, of: "right", isForRunning: true))
        #expect(harness.launcher.cleaned.isEmpty)
        harness.launcher.workers[0].leave()
        #expect(harness.launcher.cleaned == ["guessed"])
        harness.launcher.workers[1].answerLoads()
        harness.launcher.workers[1].leave()
        #expect(harness.launcher.cleaned == ["guessed"])
    }

    @Test func `those that another worker has as well stay`() throws {
        _ = try harness.fleet.prepare(load(1, of: "p", isForRunning: true))
        harness.launcher.workers[0].answerLoads()
        _ = try harness.fleet.prepare(load(2, of: "p", isForRunning: false))
        harness.launcher.workers[1].leave()
        #expect(harness.launcher.cleaned.isEmpty)
    }
}

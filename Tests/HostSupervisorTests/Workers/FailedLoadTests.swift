import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Whose fault it is that a plugin could not be loaded.
@Suite struct FailedLoadTests {
    private func fault(_ manner: FailedLoad.Manner) -> FailureHistory.Fault? {
        let load = Load(
            plugin: 0, path: "/s/plugins/c.so", name: "x.so", build: "", parameters: "{}", isForRunning: true,
            home: nil, key: .plugin(0), limits: WorkerLimits(), libraries: LibrarySearch(), limit: 1)
        let failed = FailedLoad(
            load: load, manner: manner, text: "x", reason: .init(.error, text: "x"), pid: 1, startedAt: 0,
            wasKilledFromOutside: false)
        let isTold = failed.fault == .error || failed.fault == .death
        #expect(failed.isRecorded == isTold)
        return failed.fault
    }

    @Test func `a copy that is gone is the host's fault`() {
        #expect(fault(.copyGone) == .host)
        #expect(fault(.refused(.open)) == nil)
        #expect(fault(.refused(.descriptor)) == nil)
        #expect(fault(.refused(.load)) == .error)
        #expect(fault(.died) == .death)
    }

    @Test(arguments: [
        (LoadStage.open, false, FailedLoad.Manner.refused(.open)), (.open, true, .copyGone),
        (.descriptor, true, .refused(.descriptor)), (.load, true, .refused(.load)),
    ]) func `whether the copy is gone is not taken from what the worker says`(
        stage: LoadStage, isGone: Bool, expected: FailedLoad.Manner
    ) throws {
        let harness = FleetHarness()
        let load = FleetHarness.load(1)
        if isGone { harness.launcher.missing = [load.path] }
        _ = try harness.fleet.prepare(load)
        let text = load.path + ": cannot open shared object file: No such file or directory"
        harness.launcher.workers[0].report(.event(.refused(plugin: 1, stage: stage, text: text)))
        guard case .refused(let failed)? = harness.fleet.take().first else {
            Issue.record("nothing was refused")
            return
        }
        #expect(failed.manner == expected)
    }
}

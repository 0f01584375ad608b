import HostPolicy
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Whose fault it is that a plugin could not be loaded.
@Suite struct FailedLoadTests {
    private func fault(_ manner: FailedLoad.Manner, _ text: String) -> FailureHistory.Fault? {
        let load = Load(
            plugin: 0, path: "/s/plugins/c.so", name: "x.so", build: "", parameters: "{}", isForRunning: true,
            home: nil, key: .plugin(0), limits: WorkerLimits(), libraries: LibrarySearch(), limit: 1)
        let failed = FailedLoad(
            load: load, manner: manner, text: text, reason: .init(.error, text: text), pid: 1, startedAt: 0,
            isInnocent: false)
        let isTold = failed.fault == .error || failed.fault == .death
        #expect(failed.isRecorded == isTold)
        return failed.fault
    }

    @Test func aCopyThatIsGoneIsTheHostsFault() {
        let gone = "/s/plugins/c.so: cannot open shared object file: No such file or directory"
        #expect(fault(.refused(.open), gone) == .host)
        #expect(fault(.refused(.open), "libz.so.1: cannot open shared object file: No such file or directory") == nil)
        #expect(fault(.refused(.descriptor), "no routines") == nil)
        #expect(fault(.refused(.load), "its load failed: \(gone)") == .error)
        #expect(fault(.died, gone) == .death)
    }
}

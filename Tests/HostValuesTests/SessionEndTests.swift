import HostValues
import Testing

/// Numbers and names of session ends, which files and shared memory of other versions hold.
struct SessionEndTests {
    @Test func `numbers and names stay what they were in the first version`() {
        let names = [
            "max_cycles", "until", "stopped", "ended_by_routine", "error", "crash", "exit", "timeout", "peer_failed",
            "reloaded", "removed", "host_died", "quarantined", "lease_lost", "handed_over",
        ]
        #expect(SessionEnd.allCases.map(\.name) == names)
        #expect(SessionEnd.allCases.map(\.rawValue) == Array(1...15))
        #expect(SessionEnd(rawValue: 0) == nil, "0 in a ledger: the session has not ended")
    }

    @Test(arguments: SessionEnd.allCases) func `a name leads back to its end`(_ end: SessionEnd) {
        #expect(SessionEnd(name: end.name) == end)
        #expect(SessionRecord.Kind(name: end.name) == .known(end))
        #expect(SessionRecord.Reason(end).isFailure == end.isFailure)
    }

    @Test(arguments: ["", "Crash", "crash ", "eclipsed"]) func `the name of a later version is kept`(_ name: String) {
        #expect(SessionEnd(name: name) == nil)
        #expect(SessionRecord.Kind(name: name).name == name)
    }
}

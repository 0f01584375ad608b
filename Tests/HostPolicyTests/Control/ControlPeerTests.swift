import HostPolicy
import Testing

/// Who gets an answer on the control socket.
@Suite struct ControlPeerTests {
    /// Of a host 10 with the worker 20, the orphan 30 of a dead worker, and the command 40.
    private func refusal(
        _ pid: Int32, _ ancestors: [Int32]?, gainsNone: Bool? = false, hostGainsNone: Bool = false
    ) -> ControlPeer.Refusal? {
        ControlPeer(host: 10, hostGainsNoPrivileges: hostGainsNone).refusal(
            of: pid, ancestors: ancestors, gainsNoPrivileges: gainsNone, isWorker: { $0 == 20 }, isOrphan: { $0 == 30 })
    }

    @Test func `people and the host's own commands do`() {
        #expect(refusal(50, [5, 1]) == nil)
        #expect(refusal(50, [40, 10, 1]) == nil, "of a command")
        #expect(refusal(50, [5, 1], gainsNone: true, hostGainsNone: true) == nil)
        #expect(refusal(0, nil, gainsNone: nil) == nil, "outside of the container")
    }

    @Test(arguments: [false, true]) func `workers and what descends from them do not`(hostGainsNone: Bool) {
        func refusal(_ pid: Int32, _ ancestors: [Int32]) -> ControlPeer.Refusal? {
            self.refusal(pid, ancestors, gainsNone: true, hostGainsNone: hostGainsNone)
        }
        #expect(refusal(20, [10, 1]) == .worker(20) && refusal(51, [50, 20, 10, 1]) == .worker(20))
        let orphan: ControlPeer.Refusal = hostGainsNone ? .orphan : .confined
        #expect(refusal(30, [10, 1]) == orphan && refusal(51, [30, 10, 1]) == orphan)
    }

    @Test func `who has left the family of its worker is known by its privileges`() {
        #expect(refusal(50, [1], gainsNone: true) == .confined)
        #expect(ControlPeer.Refusal.confined.line(50).contains("process 50") == true)
    }

    @Test func `of whom nothing is known does not`() {
        #expect(refusal(50, nil) == .gone && refusal(50, [1], gainsNone: nil) == .gone)
    }
}

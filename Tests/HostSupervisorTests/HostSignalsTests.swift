import HostSystem
import HostTestKit
import Testing

@testable import HostSupervisor

struct HostSignalsTests {
    @Test(arguments: [Signals.terminate, Signals.interrupt, Signals.powerFailure])
    func `the first wish ends in order, the same press is one wish, and a second one ends at once`(signal: Int32) {
        var signals = HostSignals { false }
        #expect(signals.wish(of: signal, at: 5) == .stop)
        #expect(signals.wish(of: signal, at: 5) == .again)
        #expect(signals.wish(of: Signals.terminate, at: .ns(4 + HostSignals.samePress)) == .again)
        #expect(signals.wish(of: signal, at: .ns(5 + HostSignals.samePress)) == .stopAtOnce)
    }

    @Test func `SIGHUP reloads while the terminal is there, and ends the host when it is closed`() {
        var isGone = false
        var signals = HostSignals { isGone }
        #expect(signals.wish(of: Signals.hangup, at: 0) == .reload)
        #expect(signals.wish(of: Signals.hangup, at: 1) == .reload)
        isGone = true
        #expect(signals.wish(of: Signals.hangup, at: 2) == .stop)
        #expect(signals.wish(of: Signals.hangup, at: 3) == .again, "the terminal's driver and its shell both send it")
    }

    @Test func `each signal that is taken over means something`() {
        var signals = HostSignals { false }
        let wishes = HostSignals.all.filter { $0 != Signals.child }.map { signals.wish(of: $0, at: 0) }
        #expect(wishes.filter { $0 == .ignore }.count == 6)
        #expect(signals.wish(of: Signals.fileSize, at: 0) == .errorTells)
        #expect(signals.wish(of: Signals.child, at: 0) == .childEnded)
    }
}

import CPluginAPI
import HostValues
import Testing

/// The phases of the host are those of the ABI.
struct PhaseTests {
    @Test func `phases have the ABI's numbers`() {
        let numbers: [(Phase, UInt32)] = [
            (.load, UInt32(SCHEDHOST_PHASE_LOAD)), (.start, UInt32(SCHEDHOST_PHASE_START)),
            (.routine, UInt32(SCHEDHOST_PHASE_ROUTINE)), (.sleep, UInt32(SCHEDHOST_PHASE_SLEEP)),
            (.cache, UInt32(SCHEDHOST_PHASE_CACHE)), (.stats, UInt32(SCHEDHOST_PHASE_STATS)),
            (.stop, UInt32(SCHEDHOST_PHASE_STOP)), (.hook, UInt32(SCHEDHOST_PHASE_HOOK)),
        ]
        for (phase, number) in numbers { #expect(phase.rawValue == number, "\(phase.word)") }
        #expect(Phase.allCases.count == numbers.count + 1, "unload is the host's own")
    }
}

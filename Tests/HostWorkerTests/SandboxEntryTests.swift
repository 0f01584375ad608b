import HostValues
import HostWire
import Testing

@testable import HostWorker

/// Nothing for which a plugin's code would run is done before the sandbox.
@Suite struct SandboxEntryTests {
    private static let harmless: [WorkerCommand] = [
        .seal(LedgerKey(first: 1, second: 2)), .logLevel(3), .quit,
    ]
    private static let others: [WorkerCommand] = [
        .load(.init(plugin: 0, path: "/p", name: "p", parameters: "{}", isForRunning: false, build: "")),
        .start(
            .init(
                slot: 0, plugin: 0, routine: 0, session: SessionID(rawValue: 1), waitMs: 0, maxCycles: 0, untilMs: nil,
                onError: ErrorDefault(attempts: 1), lifetimeCycles: 0, before: 0, parameters: "", isPaused: false)),
        .stop(slot: 0), .runNow(slot: 0), .pause(slot: 0), .resume(slot: 0), .go(slot: 0, number: 1),
        .history(.init(slot: 0, session: SessionID(rawValue: 1), past: [])),
        .dropCached(.init(plugin: 0, routine: 0)), .share(plugin: 0), .store(.open(prefix: "", timeoutMs: 1)),
    ]

    private func isDeath(_ step: SandboxEntry.Step) -> Bool {
        if case .die = step { return true }
        return false
    }

    @Test func `before its sandbox a worker does what needs no plugin, and ends if it is told more`() {
        for command in Self.harmless {
            var entry = SandboxEntry(isConfined: true)
            #expect(entry.step(command) == .perform)
            #expect(isDeath(entry.step(Self.others[0])), "that was no leave to go on")
        }
        for command in Self.others {
            var entry = SandboxEntry(isConfined: true)
            #expect(isDeath(entry.step(command)), "\(command)")
            #expect(isDeath(entry.step(command)), "\(command), again")
        }
    }

    @Test func `a worker enters its sandbox once, and does everything from then on`() {
        var entry = SandboxEntry(isConfined: true)
        let rules = [OwnRule(path: "/proc/self", rights: 4)]
        #expect(entry.step(.confine(rules)) == .enter(rules))
        for command in Self.harmless + Self.others { #expect(entry.step(command) == .perform) }
        #expect(isDeath(entry.step(.confine([]))))
    }

    @Test func `a worker that is to have no sandbox does everything at once, and enters none`() {
        var entry = SandboxEntry(isConfined: false)
        for command in Self.harmless + Self.others { #expect(entry.step(command) == .perform) }
        #expect(isDeath(entry.step(.confine([]))))
    }
}

import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000

/// What failures add up to, without a routine.
@Suite struct FailureHistoryTests {
    private var settings: RestartSettings {
        var settings = RestartSettings()
        settings.jitterPercent = 0
        settings.intervalMs = 700
        return settings
    }

    private func note(
        _ history: inout FailureHistory, _ fault: FailureHistory.Fault, _ cause: String = "c",
        at now: MonotonicTime = 0,
        _ settings: RestartSettings? = nil
    ) -> FailureHistory.Consequence {
        var random = SplitMix(seed: 1)
        return history.note(fault, cause, at: now, by: settings ?? self.settings, using: &random)
    }

    @Test func `each fault has a wait of its own`() {
        var history = FailureHistory()
        let errors = (0..<4).map { _ in note(&history, .error) }
        #expect(errors == [700, 1000, 2000, 4000].map { .wait($0 * 1_000_000) })
        let deaths = (0..<3).map { _ in note(&history, .death) }
        #expect(deaths == [0, 500, 1000].map { .wait($0 * 1_000_000) })
        let wants = (0..<3).map { _ in note(&history, .host) }
        #expect(wants == [2000, 2000, 2000].map { .wait($0 * 1_000_000) })
        #expect(history.rows.map(\.count) == [4, 3, 3] && history.present?.fault == .host)
    }

    @Test func `the end of a row leaves the other rows, and the deaths`() {
        var history = FailureHistory()
        _ = note(&history, .death, "a", at: 5)
        _ = note(&history, .error, "b", at: 6)
        let row = history.end(.death)
        #expect(row?.count == 1 && row?.since == 5 && row?.cause == "a")
        #expect(history.end(.death) == nil && history.row(.error)?.cause == "b")
        #expect(history.deaths.map(\.cause) == ["a"])
        history.endRows()
        #expect(history.present == nil && history != FailureHistory())
    }

    @Test(arguments: [(Int64(600), true), (601, false)]) func `deaths count within the window, whatever ends their row`(
        last: Int64, isTooMany: Bool
    ) {
        var history = FailureHistory()
        for _ in 0..<9 {
            #expect(note(&history, .death) == .wait(0))
            history.end(.death)
        }
        let tenth = note(&history, .death, at: .ns(last * second))
        let why = "it died 10 times within 10 min for the same cause (c)"
        #expect(tenth == (isTooMany ? .tooManyDeaths(why) : .wait(0)))
    }

    @Test func `an error that repeats another adds nothing, and waits within bounds`() {
        var history = FailureHistory()
        #expect(history.noteRepeated("a", until: .ns(20 * second), at: 0, by: settings) == 20 * second)
        #expect(history.noteRepeated("b", until: .never, at: 0, by: settings) == 60 * second)
        #expect(history.noteRepeated("b", until: .longAgo, at: 0, by: settings) == 2 * second, "as after three errors")
        #expect(history.present?.count == 1 && history.present?.cause == "a")
        history.end(.error)
        #expect(history.noteRepeated("b", until: .longAgo, at: 0, by: settings) == 700_000_000)
    }

    @Test func `what is kept is bounded, whatever the settings say`() {
        var settings = settings
        settings.anyCauseFailures = .max
        settings.sameCauseFailures = 0
        var history = FailureHistory()
        for number in 0..<1500 { _ = note(&history, .death, "cause \(number)\n", at: .never, settings) }
        #expect(history.deaths.count == 1000 && history.deaths.last?.cause == "cause 1499 ")
    }

    @Test func `it comes back in another boot as it was`() {
        var history = FailureHistory()
        _ = note(&history, .death, "a", at: .ns(90 * second))
        _ = note(&history, .error, "b", at: .ns(95 * second))
        let wall = WallTime(nanoseconds: 1_800_000_000 * second)
        let saved = history.saved(at: .init(now: .ns(100 * second), wall: wall))
        #expect(saved.failures.map(\.atMs) == [1_799_999_990_000])
        let tally = RoutineTally(content: "", failures: saved.failures, rows: saved.rows, stopped: false)
        let later = RoutineTally.Moment(now: .ns(7 * second), wall: wall + 60 * second)
        let restored = FailureHistory(restoring: tally, by: settings, at: later)
        #expect(restored.deaths == [.init(at: .ns(-63 * second), cause: "a")])
        #expect(restored.rows.map(\.since) == [.ns(-63 * second), .ns(-58 * second)])
        #expect(restored.rows.map(\.fault) == [.death, .error])
    }
}

/// A quarantine, without a routine.
@Suite struct QuarantineTests {
    @Test func `each failed probe puts the next one further away`() {
        let settings = RestartSettings()
        var quarantine = Quarantine("w", after: nil, isProbed: true, by: settings, at: 0)
        var minutes: [Int64?] = []
        for _ in 0..<4 {
            minutes.append(quarantine.probeAt.map { $0.nanoseconds / second / 60 })
            quarantine = Quarantine("w", after: quarantine, isProbed: true, by: settings, at: 0)
        }
        #expect(minutes == [10, 30, 60, 60])
    }

    @Test func `the message says how it ends`() {
        var settings = RestartSettings()
        let probed = Quarantine("w", after: nil, isProbed: true, by: settings, at: 5)
        let head = "a/b is quarantined: w; replace its file, or run `schedhost resume a/b`; "
        #expect(probed.message(of: "a/b", at: 5) == head + "the host tries it again in 10 min")
        let final = Quarantine("w", after: nil, isProbed: false, by: settings, at: 5)
        #expect(final.probeAt == nil && final.message(of: "a/b", at: 5) == head + "the host does not retry it")
        settings.probeAfterMs = []
        #expect(Quarantine("w", after: nil, isProbed: true, by: settings, at: 5) == final)
    }

    @Test(arguments: [(Int64(0), Int64(600)), (100, 500), (900, 0), (-900, 600)])
    func `the probe comes when it would have come, or what is nearest`(pause: Int64, expected: Int64) {
        let settings = RestartSettings()
        let quarantine = Quarantine("w", after: nil, isProbed: true, by: settings, at: .ns(100 * second))
        let wall = WallTime(nanoseconds: 1_800_000_000 * second)
        let saved = quarantine.saved(at: .init(now: .ns(100 * second), wall: wall))
        let restored = Quarantine(
            restoring: saved, by: settings, at: .init(now: .ns(3 * second), wall: wall + pause * second))
        #expect(restored.probeAt == .ns((3 + expected) * second) && restored.why == "w" && restored.step == 0)
    }
}

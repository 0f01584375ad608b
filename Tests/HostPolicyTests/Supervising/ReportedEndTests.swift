import HostPolicy
import HostTestKit
import HostValues
import Testing

/// What a worker may report of the end of its session.
struct ReportedEndTests {
    private static let open = ReportedEnd(hasMaxCycles: false, hasEndTime: false, wasAsked: false)
    private static let all = ReportedEnd(hasMaxCycles: true, hasEndTime: true, wasAsked: true)

    @Test(arguments: SessionEnd.allCases) func `a worker tells only what it can know`(end: SessionEnd) {
        #expect(Self.all.isPossible(end) == end.isReportableByWorker)
        let reason = Self.all.checked(SessionRecord.Reason(end, text: "t"))
        #expect(reason.end == (end.isReportableByWorker ? end : .error))
        let refusal = "its worker reports an end that is not its to report: \(end.name)"
        #expect(reason.text == (end.isReportableByWorker ? "t" : refusal))
    }

    @Test func `a bound that the session has not is not reached, and who was not asked is not stopped`() {
        let possible = SessionEnd.allCases.filter { Self.open.isPossible($0) }
        #expect(Set(possible) == [.endedByRoutine, .error])
        var session = Self.open
        session.hasMaxCycles = true
        #expect(session.isPossible(.maxCycles) && !session.isPossible(.until))
        session.hasEndTime = true
        #expect(session.isPossible(.until) && !session.isPossible(.stopped))
        session.wasAsked = true
        #expect(session.isPossible(.stopped))
    }

    @Test func `an end of a later version, or of none, is an error with a short text`() {
        let reason = Self.all.checked(SessionRecord.Reason(named: String(repeating: "x", count: 1000)))
        #expect(reason.end == .error && reason.text.utf8.count < 200)
    }

    @Test func `a line has the time of its worker, but for what it cannot be`() {
        #expect(LineTime.shown(9_500, now: 10_000) == 9_500)
        #expect(LineTime.shown(0, now: 10_000) == 9_000 && LineTime.shown(.min, now: 10_000) == 9_000)
        #expect(LineTime.shown(20_000, now: 10_000) == 10_000 && LineTime.shown(.max, now: .min) == .min)
    }
}

import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// What a host writes for people, and how often, with a store that is a dictionary.
@Suite struct FleetReporterTests {
    private static let host = HostID(high: 1, low: 2)
    private static let second: Int64 = 1_000_000_000

    /// A reporter with its store, and the time.
    private struct Desk {
        var reporter: FleetReporter
        var values: [String: [UInt8]] = [:]
        var now = BootTime(nanoseconds: 0)
        var asked: [StoreRequest] = []
        var outcome = StoreAnswer.Outcome.done(version: 1)

        init(recent: [SessionRecord] = []) {
            reporter = FleetReporter(FleetReporterTests.host, recent: recent)
            reporter.connected()
        }

        /// Does what is due; all writes are done, or none if `outcome` says so.
        mutating func proceed() {
            while let request = reporter.next(at: now, report: { FleetReportTests.report }) {
                asked.append(request)
                if case .done = outcome { for put in request.puts { values[put.key] = put.value } }
                let found = request.lists.flatMap { prefix in
                    values.filter { $0.key.hasPrefix(prefix) }.map {
                        StoreAnswer.Entry(key: $0.key, version: 1, value: $0.value)
                    }
                }
                reporter.answered(StoreAnswer(sent: now, outcome: outcome, found: found), at: now)
            }
        }

        mutating func pass(_ time: Int64) {
            let end = now + time
            while reporter.nextDeadline <= end {
                now = max(now, reporter.nextDeadline)
                proceed()
            }
            now = end
        }

        var sessions: Set<UInt64> {
            Set(
                values.filter { $0.key.hasPrefix("record/") }.compactMap {
                    StoredRecord($0.value)?.record.session.rawValue
                })
        }
    }

    @Test func aHostWritesItsReportEachTenSeconds() {
        var desk = Desk()
        desk.proceed()
        #expect(desk.asked.map { $0.lists.count } == [1, 0])
        #expect(desk.values["status/\(Self.host)"] == FleetReportTests.report.bytes)
        desk.pass(60 * Self.second)
        #expect(desk.asked.count == 2 + 6)
        desk.reporter.reportAtOnce()
        desk.proceed()
        #expect(desk.asked.count == 2 + 7)
        #expect(desk.asked.flatMap(\.puts).allSatisfy { $0.keepMs == 30 * 86_400_000 })
    }

    @Test func recordsComeAtOnceAndThenAFewEachSecond() {
        var desk = Desk()
        desk.proceed()
        desk.reporter.add(FleetReportTests.record(1))
        desk.proceed()
        #expect(desk.sessions == [1])
        for number: UInt64 in 2...41 { desk.reporter.add(FleetReportTests.record(number)) }
        desk.proceed()
        #expect(desk.sessions == [1], "not twice within a second")
        desk.pass(Self.second)
        #expect(desk.sessions == Set(1...17))
        desk.pass(2 * Self.second)
        #expect(desk.sessions == Set(1...41))
        #expect(desk.reporter.isDone)
        #expect(desk.asked.allSatisfy { $0.puts.count <= 17 })
    }

    @Test func theStoreHasTheNewestAndNoMore() {
        var desk = Desk(recent: (1...100).map { FleetReportTests.record($0) })
        desk.pass(10 * Self.second)
        #expect(desk.sessions == Set(37...100))
        for number: UInt64 in 101...1000 {
            desk.reporter.add(FleetReportTests.record(number))
            if number % 7 == 0 { desk.pass(Self.second) }
        }
        desk.pass(10 * Self.second)
        #expect(desk.sessions == Set(937...1000))
        #expect(desk.values.count == 65)
    }

    @Test func whatIsMissingIsWrittenAgain() {
        var desk = Desk(recent: (1...3).map { FleetReportTests.record($0) })
        desk.pass(5 * Self.second)
        #expect(desk.sessions == [1, 2, 3])
        let count = desk.asked.flatMap(\.puts).count
        // The same store again: nothing is missing but the report.
        desk.reporter.disconnected()
        #expect(desk.reporter.nextDeadline == .never && desk.reporter.isDone)
        desk.reporter.connected()
        desk.pass(5 * Self.second)
        #expect(desk.asked.flatMap(\.puts).count == count + 1)
        // One that has lost all.
        desk.values = [:]
        desk.reporter.connected()
        desk.pass(5 * Self.second)
        #expect(desk.sessions == [1, 2, 3])
        // The next life of the host, whose records follow those of this one.
        let values = desk.values
        desk = Desk(recent: (2...4).map { FleetReportTests.record($0) })
        desk.values = values
        desk.pass(5 * Self.second)
        #expect(desk.sessions == [1, 2, 3, 4])
    }

    @Test func whatWasNotDoneIsTriedAgainInTheSamePlaces() {
        var desk = Desk()
        desk.proceed()
        desk.outcome = .unknown
        desk.reporter.add(FleetReportTests.record(1))
        desk.proceed()
        let first = desk.asked.last?.puts.first?.key
        desk.pass(2 * Self.second)
        #expect(desk.asked.last?.puts.first?.key == first && desk.asked.count == 4, "after a while, and not at once")
        #expect(!desk.reporter.isDone)
        desk.outcome = .refused("no room")
        desk.pass(2 * Self.second)
        #expect(desk.reporter.refusal == "no room")
        desk.outcome = .done(version: 2)
        desk.pass(15 * Self.second)
        #expect(desk.sessions == [1] && desk.reporter.refusal == nil && desk.reporter.isDone)
    }

    @Test func whoLeavesWritesAllAtOnce() {
        var desk = Desk()
        desk.proceed()
        for number: UInt64 in 1...40 { desk.reporter.add(FleetReportTests.record(number)) }
        desk.reporter.hurry()
        #expect(!desk.reporter.isDone)
        desk.proceed()
        #expect(desk.reporter.isDone && desk.sessions == Set(1...40))
    }

    @Test func whatChangesWhileAReportIsWrittenIsInTheNextOne() {
        func asked(_ change: (inout FleetReporter) -> Void) -> FleetReporter {
            var reporter = FleetReporter(Self.host, recent: [])
            reporter.connected()
            _ = reporter.next(at: 0, report: { FleetReportTests.report })
            reporter.answered(StoreAnswer(sent: 0, outcome: .done(version: 0), found: []), at: 0)
            #expect(reporter.next(at: 0, report: { FleetReportTests.report })?.puts.count == 1)
            change(&reporter)
            reporter.answered(StoreAnswer(sent: 0, outcome: .done(version: 1), found: []), at: 5)
            return reporter
        }
        #expect(asked { _ in }.nextDeadline == BootTime(nanoseconds: 10 * Self.second))
        #expect(asked { $0.reportAtOnce() }.nextDeadline == .longAgo)
        #expect(asked { $0.reportSoon(at: 3) }.nextDeadline == BootTime(nanoseconds: Self.second + 3))
        let leaving = asked { $0.hurry() }
        #expect(!leaving.isDone && leaving.nextDeadline == .longAgo, "that it has left is not written yet")
    }

    @Test func whatCannotBeReadOfTheStoreIsReadAgain() {
        var reporter = FleetReporter(Self.host, recent: [])
        reporter.connected()
        #expect(reporter.next(at: 0, report: { FleetReportTests.report })?.lists == ["record/\(Self.host)/"])
        #expect(reporter.next(at: 0, report: { FleetReportTests.report }) == nil, "one at a time")
        reporter.answered(StoreAnswer(sent: 0, outcome: .unknown, found: nil), at: 5)
        #expect(reporter.nextDeadline == BootTime(nanoseconds: 2 * Self.second + 5))
        reporter.answered(StoreAnswer(sent: 0, outcome: .done(version: 0), found: []), at: 5)
        #expect(reporter.nextDeadline == BootTime(nanoseconds: 2 * Self.second + 5), "nobody asked")
    }
}

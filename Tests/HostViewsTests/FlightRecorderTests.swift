import HostTestKit
import HostValues
import HostViews
import Testing

/// The last lines of each routine, within bounds.
@Suite struct FlightRecorderTests {
    private func query(last: Int = 100, after: UInt64 = 0, level: LogLevel = .trace) -> LogQuery {
        var query = LogQuery()
        query.last = last
        query.after = after
        query.level = level
        return query
    }

    @Test func `lines come in the order in which they were said, whoever said them`() {
        var recorder = FlightRecorder()
        for number in 1...6 { recorder.add(.info, number % 2 == 0 ? "p/a" : "p/b", "\(number)", ms: Int64(number)) }
        #expect(recorder.lines(query()) { _ in true }.map(\.text) == ["1", "2", "3", "4", "5", "6"])
        #expect(recorder.lines(query()) { $0 == "p/a" }.map(\.text) == ["2", "4", "6"])
        #expect(recorder.lines(query(last: 2)) { _ in true }.map(\.text) == ["5", "6"])
        #expect(recorder.lines(query()) { $0 == "p/a" }.map(\.ordinal) == [1, 2, 3])
    }

    @Test func `who goes on from a line gets the next ones, so many at once`() {
        var recorder = FlightRecorder()
        for number in 1...10 { recorder.add(.info, "p/a", "\(number)", ms: 0) }
        #expect(recorder.lines(query(last: 3, after: 4)) { _ in true }.map(\.text) == ["5", "6", "7"])
        #expect(recorder.lines(query(after: 10)) { _ in true }.isEmpty)
        #expect(recorder.lines(query(after: .max)) { _ in true }.isEmpty)
    }

    @Test func `a level leaves out what weighs less`() {
        var recorder = FlightRecorder()
        for level in LogLevel.allCases { recorder.add(level, "", "\(level)", ms: 0) }
        #expect(
            recorder.lines(query(level: .warning)) { _ in true }.map(\.text) == ["warning", "error", "critical"])
    }

    @Test func `who says much pushes out his own lines, and the gap shows in their numbers`() throws {
        var recorder = FlightRecorder()
        recorder.add(.info, "p/quiet", "once", ms: 0)
        for number in 1...10_000 { recorder.add(.info, "p/loud", "line \(number)", ms: 0) }
        let loud = recorder.lines(query(last: .max)) { $0 == "p/loud" }
        #expect(loud.reduce(0) { $0 + $1.text.utf8.count + 96 } <= FlightRecorder.mostOfOne)
        #expect(loud.count > 500)
        let first = try #require(loud.first)
        #expect(first.ordinal == UInt64(10_001 - loud.count) && loud.last?.ordinal == 10_000)
        #expect(loud.map(\.ordinal) == Array(first.ordinal...10_000))
        #expect(recorder.lines(query()) { $0 == "p/quiet" }.map(\.text) == ["once"])
    }

    @Test func `a subject goes with its last line, and subjects themselves count`() {
        var recorder = FlightRecorder(mostOfAll: 100_000)
        for number in 1...20_000 { recorder.add(.info, "build-\(number)/r", "hello", ms: 0) }
        #expect(recorder.subjects.count < 400 && recorder.subjects.count > 100)
        #expect(recorder.subjects.allSatisfy { subject in !recorder.lines(query(), of: [subject]).isEmpty })
        recorder.add(.info, "build-1/r", "again", ms: 0)
        #expect(recorder.lines(query(), of: ["build-1/r"]).map(\.text) == ["again"])
    }

    @Test func `a text that is too long is cut`() {
        var recorder = FlightRecorder()
        recorder.add(.info, "p", String(repeating: "x", count: 1 << 20), ms: 0)
        #expect(recorder.lines(query()) { _ in true }[0].text.utf8.count <= FlightRecorder.longest)
    }

    @Test func `all together are bounded, and the oldest go first`() {
        var recorder = FlightRecorder(mostOfAll: 100_000)
        for number in 1...20_000 { recorder.add(.info, "p/\(number % 50)", "line \(number)", ms: 0) }
        let kept = recorder.lines(query(last: .max)) { _ in true }
        #expect(kept.reduce(0) { $0 + $1.text.utf8.count + 96 } <= 100_000)
        #expect(kept.count > 200)
        #expect(kept.map(\.number) == Array(UInt64(20_001 - kept.count)...20_000))
    }

    @Test func `before an end there are the lines of the routine and of its plugin`() {
        var recorder = FlightRecorder()
        recorder.add(.info, "p", "printed", ms: 0)
        recorder.add(.info, "p/a", "logged", ms: 0)
        recorder.add(.info, "p/b", "another routine's", ms: 0)
        recorder.add(.info, "", "the host's", ms: 0)
        #expect(recorder.last(50, of: "p/a", in: "p").map(\.text) == ["printed", "logged"])
        #expect(recorder.last(1, of: "p/a", in: "p").map(\.text) == ["logged"])
    }

    @Test func `lines of named subjects are those that a search among all finds`() {
        var recorder = FlightRecorder()
        for number in 1...30 as ClosedRange<Int64> {
            recorder.add(
                number % 2 == 0 ? .info : .error, ["p/a", "p", "q/a"][Int(number % 3)], "\(number)", ms: number)
        }
        for (after, level) in [(0, .trace), (7, .trace), (0, .error), (29, .info)] as [(UInt64, LogLevel)] {
            var query = LogQuery()
            query.after = after
            query.level = level
            query.last = 5
            let named = recorder.lines(query, of: ["p/a", "p", "p", "absent"])
            #expect(named == recorder.lines(query) { $0 == "p/a" || $0 == "p" })
            #expect(named.count <= 5 && named.allSatisfy { $0.number > after && $0.level >= level })
        }
    }
}

import FoundationEssentials
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

private let second: Int64 = 1_000_000_000

/// The documented table of failures is what the policy does.
@Suite struct FailureTableTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let what: String
        let end: String
        let fault: String
        let next: String
        let told: String

        var testDescription: String { what }
    }

    static let rows: [Row] = {
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        guard let data = FileManager.default.contents(atPath: root + "/Sources/Host/Isolation.md") else { return [] }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        let start = lines.firstIndex { $0.hasPrefix("| what happens") } ?? lines.endIndex
        return lines[start...].dropFirst(2).prefix { $0.hasPrefix("|") }.map { line in
            let cells = line.split(separator: "|").map {
                $0.trimmed.filter { $0 != "`" }
            }
            return Row(what: cells[0], end: cells[1], fault: cells[2], next: cells[3], told: cells[4])
        }
    }()

    /// What the table calls the ends that are no kind of a record.
    static let others = ["error again", "load error", "load death", "host short", "unloadable"]

    @Test func everyEndIsInTheTableOnce() {
        let expected = SessionEnd.allCases.map(\.name) + Self.others
        #expect(Self.rows.map(\.end).sorted() == expected.sorted())
    }

    private func event(_ row: Row, _ driver: PolicyDriver) throws -> RestartPolicy.Event {
        switch row.end {
        case "error again": return .errorRepeated(cause: "away", until: driver.now + 1 + 20 * second)
        case "load error": return .startFailed(.error, cause: "away")
        case "load death": return .startFailed(.death, cause: "crash")
        case "host short": return .startFailed(.host, cause: "no worker")
        case "unloadable": return .loadError("no such symbol")
        default:
            let ending = try #require(SessionEnd(name: row.end))
            return .sessionEnded(ending, cause: "cause")
        }
    }

    /// The waits after 40 such ends in a row, ns; nil: no further start comes by itself.
    private func waits(_ row: Row, intervalMs: UInt64) throws -> (waits: [Int64?], policy: RestartPolicy) {
        var settings = RestartSettings()
        settings.jitterPercent = 0
        settings.intervalMs = intervalMs
        var driver = PolicyDriver(settings: settings)
        driver.handle(.fileChanged(content: "a"))
        var waits: [Int64?] = []
        for _ in 0..<40 {
            let isStart = ["load error", "load death", "host short", "unloadable"].contains(row.end)
            if !isStart { driver.handle(.started) }
            let actions = driver.handle(try event(row, driver), after: 1)
            let isStarted = actions.contains(.startNow)
            waits.append(isStarted ? 0 : driver.policy.nextDeadline.map { $0 - driver.now })
            guard !isStarted else { continue }
            guard case .waiting = driver.policy.state else { break }
            driver.handle(.timerFired, after: driver.untilDeadline)
        }
        return (waits, driver.policy)
    }

    @Test(arguments: rows) func theTableSaysWhatThePolicyDoes(row: Row) throws {
        let (waits, policy) = try self.waits(row, intervalMs: 5000)
        switch row.next {
        case "none": #expect(waits == [nil])
        case "at once":
            #expect(waits.prefix(9).allSatisfy { $0 == 0 } && waits.count > 20, "the one before them is the tenth")
            #expect(waits.dropFirst(9).allSatisfy { $0.map { $0 <= second / 2 } == true })
        case "interval":
            #expect(waits.count == 40 && waits.allSatisfy { $0 ?? 0 >= 5 * second && $0 ?? 0 <= 60 * second })
            #expect(waits.first == 5 * second && waits.last == 60 * second)
            #expect(policy.trouble?.fault == .error && policy.trouble?.count == 40)
        case "when the source may be asked":
            #expect(waits == Array(repeating: 20 * second, count: 40))
            #expect(policy.trouble?.fault == .error && policy.trouble?.count == 1)
        case "at once, then back-off":
            #expect(waits.prefix(3) == [0, second / 2, second])
            #expect(waits.count == 10 && policy.state == .quarantined)
            #expect(waits.last == 600 * second)
        case "after 2 s, again and again":
            #expect(waits == Array(repeating: 2 * second, count: 40))
            #expect(policy.history.deaths.isEmpty)
        case "shut out; tried again by a probe": #expect(waits == [600 * second] && policy.state == .quarantined)
        case "shut out; no probe": #expect(waits == [nil] && policy.state == .quarantined)
        default: Issue.record("the table says '\(row.next)', of which this test knows nothing")
        }
        let faults = ["the world's": FailureHistory.Fault.error, "the code's": .death, "the host's": .host]
        if let fault = faults[row.fault] {
            #expect(policy.trouble?.fault == fault || policy.state == .quarantined)
        } else {
            #expect(policy.trouble == nil || row.end == "error again")
        }
        if !Self.others.contains(row.end) {
            let kind = SessionEnd(name: row.end)
            #expect((row.told == "failure") == kind?.isFailure, "told as \(row.told)")
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}

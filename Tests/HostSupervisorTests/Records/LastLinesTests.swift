import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// What was said before a session failed, in files.
@Suite struct LastLinesTests {
    private func record(_ number: UInt64, plugin: String = "p") -> SessionRecord {
        SessionRecord(
            session: SessionID(rawValue: number << 20), plugin: plugin, routine: "r", startMs: 0, finishMs: 2000,
            durationMs: 0, cycles: 0, reason: SessionRecord.Reason(named: "error"))
    }

    private let line = LogLine(ms: 1000, level: .info, subject: "p/r", text: "tab\tand \"quotes\"\u{1}")

    @Test func `what is kept is read again, with the time before the end`() throws {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        lines.keep([line], of: record(1), at: MonotonicTime(nanoseconds: 1 << 50))
        let read = LastLines.read(of: record(1), in: try Directory(folder.path))
        #expect(read == [line])
        #expect(LastLines.text(read, before: 2500).hasPrefix("    -1.500 s  info     tab"))
        #expect(LastLines.read(of: record(2), in: try Directory(folder.path)).isEmpty)
    }

    @Test func `plugins that have their whole budget again are forgotten`() throws {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        for number in 1...300 as ClosedRange<UInt64> {
            let time = MonotonicTime(nanoseconds: Int64(number) * 1_000_000_000)
            lines.keep([line], of: record(1, plugin: "build-\(number)"), at: time)
            lines.keep([line], of: record(number, plugin: "p"), at: time)
        }
        #expect(lines.spentCount <= 256)
    }

    @Test func `the newest twenty of a plugin stay`() throws {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        for number in 1...30 {
            lines.keep([line], of: record(UInt64(number)), at: MonotonicTime(nanoseconds: Int64(number) << 40))
            lines.keep(
                [line], of: record(UInt64(number), plugin: "q"), at: MonotonicTime(nanoseconds: Int64(number) << 40))
        }
        let names = try Directory(folder.path).directory("reports").names()
        #expect(names.count == 40)
        #expect(names.filter { $0.hasPrefix("p@") }.first == "p@\(record(11).session).lines")
    }

    @Test func `after the clock was set back, the last twenty stay all the same`() throws {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        let all = Array(1001...1020) + Array(1...25) as [UInt64]
        for (place, number) in all.enumerated() {
            lines.keep([line], of: record(number), at: MonotonicTime(nanoseconds: Int64(place) << 40))
            let names = try Directory(folder.path).directory("reports").names()
            #expect(names.contains("p@\(record(number).session).lines") && names.count <= 20)
        }
        let names = try Directory(folder.path).directory("reports").names()
        #expect(names == (6...25 as ClosedRange<UInt64>).map { "p@\(record($0).session).lines" })
    }

    @Test func `an instance's files are not its plugin's, nor the other way round`() throws {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        for number in 1...30 as ClosedRange<UInt64> {
            for plugin in ["p", "p@one", "p@two"] {
                lines.keep(
                    [line], of: record(number, plugin: plugin), at: MonotonicTime(nanoseconds: Int64(number) << 40))
            }
        }
        #expect(try Directory(folder.path).directory("reports").names().count == 60)
        for plugin in ["p", "p@one", "p@two"] {
            #expect(!LastLines.read(of: record(30, plugin: plugin), in: try Directory(folder.path)).isEmpty)
        }
    }

    @Test func `a time that a file makes up is shown as some time`() {
        for ms in [Int64.min, .max] {
            let text = LastLines.text([LogLine(ms: ms, level: .info, subject: "p/r", text: "x")], before: 2500)
            #expect(text.contains(" s  info") && text.hasSuffix("x\n"))
        }
    }

    @Test
    func `sessions that fail without pause have files for some, and none keeps another plugin's from having them`()
        throws
    {
        let folder = TestDirectory()
        var lines = try LastLines(in: try Directory(folder.path))
        let now = MonotonicTime(nanoseconds: 1 << 50)
        for number in 1...1000 {
            lines.keep([line], of: record(UInt64(number)), at: now + Int64(number) * 1_000_000)
        }
        func isKept(_ number: UInt64, _ plugin: String) throws -> Bool {
            try !LastLines.read(of: record(number, plugin: plugin), in: Directory(folder.path)).isEmpty
        }
        #expect(try isKept(20, "p") && !isKept(22, "p") && !isKept(999, "p"))
        lines.keep([line], of: record(1, plugin: "q"), at: now)
        #expect(try isKept(1, "q"))
        lines.keep([line], of: record(2000), at: now + 3_000_000_000)
        #expect(try isKept(2000, "p"))
    }
}

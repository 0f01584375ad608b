import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// A search that passes over lines finds what one finds that parses all of them.
@Suite struct RecordTextsTests {
    private static func record(_ number: Int, plugin: String, routine: String) -> SessionRecord {
        var record = SessionRecord.sample(number, routine: routine)
        record.plugin = plugin
        return record
    }

    @Test func `a search finds the same with and without`() throws {
        let scratch = TestDirectory()
        let names = ["a", "ab", "a@x", "b", "\"q\\", "é"]
        var random = SplitMix(seed: 5)
        var lines: [[UInt8]] = []
        for number in 1...400 {
            var record = Self.record(
                number, plugin: names[random.below(names.count)], routine: names[random.below(names.count)])
            record.reason.text = "\"plugin\":\"a\""
            lines.append(record.line())
        }
        lines += [Array("no record".utf8), Array("{\"session\":\"".utf8), Array("{}".utf8)]
        // Written by somebody else, with spaces.
        let foreign = String(decoding: Self.record(500, plugin: "b", routine: "b").line(), as: UTF8.self)
        lines.append(Array(" \(foreign.replacing(":", with: " : "))".utf8))
        try scratch.write(SessionFiles.current, lines.flatMap { $0 + [10] })
        for plugin in [nil] + names.map({ Optional($0) }) {
            for routine in [nil] + names.map({ Optional($0) }) {
                func matches(_ record: SessionRecord) -> Bool {
                    (plugin.map { InstanceName.matches(record.plugin, by: $0) } ?? true)
                        && (routine.map { $0 == record.routine } ?? true)
                }
                let all = try SessionFiles.last(.max, in: scratch.directory()) { matches($0) }
                let texts = RecordTexts(plugin: plugin, routine: routine)
                let found = try SessionFiles.last(.max, in: scratch.directory(), among: texts) { matches($0) }
                #expect(found.records == all.records && found.outcome == all.outcome)
                #expect(plugin == nil || routine == nil || all.records.count < 100)
            }
        }
    }

    @Test func `lines of others are passed over without being parsed`() {
        let line = Self.record(1, plugin: "a", routine: "r").line()
        func mayBe(_ texts: RecordTexts, _ bytes: [UInt8]) -> Bool { texts.mayBe(in: bytes, 0..<bytes.count) }
        #expect(mayBe(RecordTexts(), line))
        #expect(mayBe(RecordTexts(plugin: "a"), line) && !mayBe(RecordTexts(plugin: "b"), line))
        #expect(mayBe(RecordTexts(plugin: "a", routine: "r"), line))
        #expect(!mayBe(RecordTexts(plugin: "a", routine: "s"), line))
        #expect(mayBe(RecordTexts(session: SessionRecord.sample(1).session), line))
        #expect(!mayBe(RecordTexts(session: SessionRecord.sample(2).session), line))
        // Damaged ones are looked at.
        #expect(mayBe(RecordTexts(plugin: "b"), line.dropLast(3)) && mayBe(RecordTexts(plugin: "b"), Array("x".utf8)))
        #expect(!RecordTexts(plugin: "b").mayBe(in: [0] + line + [0], 1..<line.count + 1))
    }
}

import FoundationEssentials
import HostTestKit
import Testing

@testable import HostValues

struct SessionIDTests {
    @Test(arguments: [0, 1, 31, 32, 1 << 20, 1 << 63, UInt64.max, 0x0123_4567_89AB_CDEF])
    func textAndBack(value: UInt64) {
        let id = SessionID(rawValue: value)
        #expect(id.description.count == 13)
        #expect(SessionID(id.description) == id)
        #expect(SessionID(id.description.uppercased()) == id)
    }

    @Test func sortsAsTheNumbersDo() {
        let values = (0..<2000).map { _ in UInt64.random(in: 0...UInt64.max) }.sorted()
        let texts = values.map { SessionID(rawValue: $0).description }
        #expect(texts == texts.sorted())
    }

    @Test(arguments: [
        "", "0", "00000000000000", "g000000000000", "zzzzzzzzzzzzz", "000000000000u", "00000000000-0", "00000000000é",
    ])
    func refused(text: String) {
        #expect(SessionID(text) == nil)
    }

    @Test func confusableLettersAreRead() {
        #expect(SessionID("00000000000iL") == SessionID(rawValue: 33))
        #expect(SessionID("00000000000O0") == SessionID(rawValue: 0))
    }

    @Test func eachIsGreaterThanTheOneBefore() {
        var generator = SessionIDGenerator()
        var last = generator.next(milliseconds: 1000)
        #expect(last.milliseconds == 1000)
        for time in Array(repeating: Int64(1000), count: 3000) + [999, -1, .min, 1001, 500, .max, .max] {
            let next = generator.next(milliseconds: time)
            #expect(next > last)
            last = next
        }
    }
}

struct SessionRecordTests {
    @Test func lineAndBack() throws {
        for record in [.sample(1), .full] as [SessionRecord] {
            let line = record.line()
            #expect(!line.contains(10))
            #expect(try SessionRecord(line: line) == record)
        }
    }

    @Test func hasTheNamesOfTheDesign() {
        let record = SessionRecord(
            session: SessionID(rawValue: 1), plugin: "p", routine: "r", startMs: 1, finishMs: 2, durationMs: 1,
            cycles: 3,
            reason: .init(.endedByRoutine, text: "done"),
            stats: .init([("n", .double(.nan)), ("i", .double(-.infinity))]))
        #expect(
            String(decoding: record.line(), as: UTF8.self) == """
                {"session":"0000000000001","plugin":"p","routine":"r","start_ms":1,"finish_ms":2,"duration_ms":1,\
                "cycles":3,"failures":0,"missed":0,"reason":{"kind":"ended_by_routine","text":"done"},\
                "stats":{"n":"nan","i":"-inf"}}
                """)
    }

    @Test func `the toolchain's own decoder reads a line as it was meant`() throws {
        struct Line: Decodable {
            struct Reason: Decodable {
                let kind: String
                let phase: String?
            }
            let plugin: String
            let start_ms: Int64
            let reason: Reason
            let stats: [String: Text]
        }
        struct Text: Decodable {
            let text: String
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                text = (try? value.decode(String.self)) ?? (try? "\(value.decode(Double.self))") ?? "?"
            }
        }
        let line = try JSONDecoder().decode(Line.self, from: Data(SessionRecord.full.line()))
        #expect(line.plugin == "a" && line.start_ms == .min)
        #expect(line.reason.kind == "crash" && line.reason.phase == "routine")
        #expect(line.stats["a"]?.text == "0.1" && line.stats["ü"]?.text == "x,\"y")
        #expect(line.stats.count == SessionRecord.full.stats.columns.count)
    }

    @Test func unknownFieldsAndKindsAreTolerated() throws {
        let text = """
             { "later" : {"a":[1,{"b":null}],"c":"\\u00e9\\ud83d\\ude00"}, "session":"0000000000001","plugin":"p",
            "routine":"r","start_ms":1,"finish_ms":2,"reason":{"kind":"eaten","why":[],"text":"\\ud83d\\ude00\\/"},
            "stats":{"list":[1,2],"yes":true}, "host":null}
            """
        let record = try SessionRecord(line: Array(text.utf8))
        #expect(record.reason.kind == .later("eaten") && record.reason.end == nil && !record.reason.isFailure)
        #expect(record.reason.text == "😀/")
        #expect(record.stats == .init([("yes", .string("true"))]))
        #expect(record.cycles == 0 && record.host == nil)
        #expect(try SessionRecord(line: record.line()).reason.kind.name == "eaten")
    }

    @Test(arguments: [
        ("", "an object"), ("{", "a string"), ("{}", "the field session is missing"), ("[]", "an object"),
        (#"{"session":"x"}"#, "a session id"), (#"{"session":"0000000000001","pid":99999999999}"#, "a process id"),
        (#"{"cycles":-1}"#, "from 0"), (#"{"cycles":1.5}"#, "a whole number"), (#"{"a":1} x"#, "the end of the line"),
        (#"{"reason":{}}"#, "kind"), (#"{"a":tru}"#, "a value"), (#"{"plugin":"\x"}"#, "a known escape"),
        (#"{"plugin":"\ud8"}"#, "hexadecimal"), (#"{"stats":3}"#, "an object"), (#"{"a":"#, "a value"),
    ])
    func malformed(text: String, expected: String) {
        let error = #expect(throws: SessionRecord.Malformed.self) { try SessionRecord(line: Array(text.utf8)) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func deepNestingIsAnErrorAndNoOverflow() {
        let text = #"{"a":"# + String(repeating: "[", count: 500_000)
        #expect(throws: SessionRecord.Malformed.self) { try SessionRecord(line: Array(text.utf8)) }
    }

    @Test func theLongestRecordIsStillReadable() throws {
        let long = String(repeating: "\u{1}", count: 5000) + "é"
        var record = SessionRecord.full
        record.plugin = long
        record.pluginVersion = long
        record.build = long
        record.routine = long
        record.host = long
        record.report = long
        record.reason = .init(named: long)
        record.reason.text = long
        record.reason.signal = long
        record.reason.cycle = .max
        record.reason.phase = long
        record.reason.frame = long
        record.stats = .init((0..<100).map { ("\($0)" + long, .string(long)) })
        let line = record.line()
        #expect(line.count <= SessionRecord.longestLine)
        #expect(try SessionRecord(line: line).stats.columns.count == SessionRecord.mostStats)
    }

    @Test func cutEndsBetweenScalars() {
        #expect("aé😀".cut(to: 2) == "a")
        #expect("aé😀".cut(to: 3) == "aé")
        #expect("aé😀".cut(to: 6) == "aé")
        #expect("aé😀".cut(to: 7) == "aé😀")
        #expect("é".cut(to: 0) == "")
    }

    /// Random mutations of a good line: each reads as a record or is refused.
    @Test func mutationsNeverTrap() {
        var random = SplitMix(seed: 7)
        let good = SessionRecord.full.line()
        var read = 0
        let rounds = Rounds.optimised(400_000, plain: 20_000)
        for _ in 0..<rounds {
            var line = good
            for _ in 0...random.below(3) {
                let place = random.below(line.count)
                switch random.below(4) {
                case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: line.remove(at: place)
                case 2: line.insert(line[random.below(line.count)], at: place)
                default: line.removeSubrange(place...)
                }
                if line.isEmpty { break }
            }
            if (try? SessionRecord(line: line)) != nil { read += 1 }
        }
        #expect(read > rounds / 100)
    }
}

import FoundationEssentials
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostViews

struct RecordTableTests {
    private func records() -> [SessionRecord] {
        var first = SessionRecord.sample(0)
        first.lifetimeCycles = 5
        first.stats = .init([("symbols", .int(12)), ("price", .double(1.5))])
        var second = SessionRecord.sample(1, routine: "depth")
        second.reason = .init(
            .crash, text: "out of bounds", signal: "SIGILL", cycle: 4, phase: .routine, frame: "f (a.c:1)")
        second.stats = .init([("note", .string("a\u{1B}[31m\nb")), ("symbols", .int(3))])
        second.finishMs += 86_400_000
        return [first, second]
    }

    @Test(
        arguments: [
            (98.99497487437185, "98.995"), (0.5, "0.5"), (1e300, "1e+300"), (0.001234567, "0.001234567"),
            (-2.00005, "-2.0001"),
            (67214.35, "67214.35"), (.infinity, "inf"),
        ] as [(Double, String)])
    func numbersAreShortForPeople(number: Double, text: String) {
        #expect(RecordTable.stats(.init([("n", .double(number))])) == "n=\(text)")
    }

    @Test func table() {
        let text = RecordTable.table(records(), zone: .utc)
        let left = [
            "ROUTINE                 START                FINISH               DURATION  CYCLES  LIFETIME  ERRORS  ",
            "market-poller/snapshot  2025-11-24 16:00:00  16:01:03             1m 03.2s       5         5       1  ",
            "market-poller/depth     2025-11-24 16:00:00  2025-11-25 16:01:03  1m 03.2s       5         -       1  ",
        ]
        let right = [
            "REASON                                               STATS",
            "max_cycles                                           symbols=12 price=1.5",
            "crash SIGILL in cycle 4 at f (a.c:1): out of bounds  note=a\\u{1b}[31m b symbols=3",
        ]
        let lines = zip(left, right).map { $0 + $1 }
        #expect(text == lines.map { $0 + "\n" }.joined())
        let colored = RecordTable.table(records(), isColored: true, zone: .utc).split(separator: "\n")
        #expect(colored == ["\u{1B}[1m\(lines[0])\u{1B}[0m", "\(lines[1])", "\u{1B}[31m\(lines[2])\u{1B}[0m"])
    }

    @Test(arguments: [0, 40, 72, 80, 100, 110, 120, 160])
    func fitsTheTerminal(width: Int) {
        let text = RecordTable.table(records(), width: width, zone: .utc)
        for line in text.split(separator: "\n") {
            #expect(TerminalText.width(String(line)) <= max(width, 71), "\(line)")
        }
        for column in ["START", "DURATION", "CYCLES", "REASON", "symbols"] { #expect(text.contains(column)) }
        #expect(text.contains("LIFETIME") == (width >= 80))
        #expect(text.contains("FINISH") == (width >= 100))
    }

    @Test func narrow() {
        var record = records()[0]
        record.failures = 0
        #expect(
            RecordTable.table([record], width: 80, zone: .utc) == """
                ROUTINE         START           FINISH    DURATION  CYCLES  LIFETIME  REASON
                market-poller…  11-24 16:00:00  16:01:03  1m 03.2s       5         5  max_cycles
                    symbols=12 price=1.5

                """)
    }

    @Test func csvQuotesAndNamesTheUnionOfColumns() {
        var record = SessionRecord.sample(0)
        record.reason = .init(.error, text: "said \"no\",\r\nthen \"\u{301}left")
        record.stats = .init([("a", .int(1))])
        var other = SessionRecord.sample(1)
        other.stats = .init([("b", .string("x,y")), ("a", .int(2))])
        let text = RecordTable.csv([record, other])
        #expect(text.contains("report,lease_token,shard,shards,host_id,stats.a,stats.b\r\n"))
        #expect(text.contains("\"said \"\"no\"\",\r\nthen \"\"\u{301}left\""))
        #expect(text.hasSuffix(",2,\"x,y\"\r\n"))
    }

    @Test func csvSaysByWhichLeaseASessionRan() {
        var record = SessionRecord.sample(0)
        (record.leaseToken, record.shard, record.hostID) = (12, RoutineShard(3, of: 16), "0a")
        record.stats = .init()
        #expect(RecordTable.csv([record]).hasSuffix(",12,3,16,0a\r\n"))
    }

    @Test func aTableNamesHostsWhereThereAreSeveral() {
        let text = RecordTable.table(records(), zone: .utc) { $0.session == records()[0].session ? "one" : "other" }
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines[0].prefix(2) == ["ROUTINE", "HOST"])
        #expect(lines.dropFirst().map { $0[1] } == ["one", "other"], "\(text)")
    }

    /// What begins like a formula is one to a spreadsheet, and a plugin chooses its texts.
    @Test(arguments: ["=1+1", "+cmd", "-2+3", "@sum", "\tx", "\r=x"])
    func csvHasNoFormulas(text: String) {
        var record = SessionRecord.sample(0)
        record.stats = .init([("a", .string(text)), ("b", .double(-1.5)), ("c", .int(-2))])
        let row = RecordTable.csv([record])
        #expect(row.contains(text == "\r=x" ? "\"'\r=x\"" : ",'\(text),"), "\(row)")
        #expect(row.hasSuffix(",-1.5,-2\r\n"))
    }

    @Test func jsonIsAnArrayWithReadableTimes() throws {
        let read = try JSONDecoder().decode([[String: Loose]].self, from: Data(RecordTable.json(records()).utf8))
        #expect(read.count == 2)
        #expect(read[0]["start"]?.text == "2025-11-24T16:00:00Z")
        #expect(read[1]["start"]?.text == "2025-11-24T16:00:00.001Z")
        #expect(RecordTable.json([]) == "[]\n")
    }

    /// Any value; keeps a string.
    struct Loose: Decodable {
        let text: String?
        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }

    @Test(
        arguments: [
            (0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_949, "59.9 s"), (59_950, "1m 00.0s"),
            (63_200, "1m 03.2s"),
            (3_599_949, "59m 59.9s"), (3_600_000, "1h 00m"), (86_399_999, "23h 59m"), (273_600_000, "3d 04h"),
            (-5, "-5 ms"),
        ] as [(Int64, String)])
    func durations(milliseconds: Int64, text: String) {
        #expect(DurationText.format(milliseconds: milliseconds) == text)
    }

    @Test func extremesDoNotTrap() {
        for value in [Int64.min, .max] {
            _ = DurationText.format(milliseconds: value)
            _ = Timestamp.format(value)
            _ = CivilTime(seconds: value, zone: .local)
        }
        _ = RecordTable.text([.full], format: .table, width: 0)
        _ = RecordTable.text([.full], format: .csv)
    }

    @Test func widthAndCut() {
        #expect(TerminalText.width("aé日本") == 6)
        #expect(TerminalText.cut("日本語", to: 5) == "日本…")
        #expect(TerminalText.cut("abc", to: 3) == "abc")
        #expect(TerminalText.cut("abc", to: 2) == "a…")
        #expect(TerminalText.cut("abc", to: 0) == "")
        #expect(TerminalText.clean("a\u{202E}b\u{7}") == "a\\u{202e}b\\u{7}")
    }
}

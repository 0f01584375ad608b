import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// One routine's records, searched for in the files.
@Suite struct RoutineHistoryTests {
    private let directory = TestDirectory()

    private func write(_ records: [SessionRecord], to name: String = SessionFiles.current) throws {
        try directory.write(name, records.flatMap { $0.line() + [UInt8(ascii: "\n")] })
    }

    private func history(_ routine: String, most: Int = 100, searched: Int = 1 << 20) throws -> RoutineHistory {
        try RoutineHistory(
            of: "market-poller", routine, in: try directory.directory(), most: most, searched: searched)
    }

    @Test func `its own records, oldest first, of all files`() throws {
        try write([.sample(1), .sample(2, routine: "other")], to: SessionFiles.older(1))
        try write([.sample(3, routine: "snapshot2"), .sample(4)])
        let found = try history("snapshot")
        #expect(found.records == [.sample(1), .sample(4)] && found.isWhole)
        #expect(try history("snapshot2").records == [.sample(3, routine: "snapshot2")])
        #expect(try history("absent").records.isEmpty)
    }

    @Test func `a name in a text is no name, and one with strange letters is found`() throws {
        let strange = "a\"b\\\u{1}é"
        var lying = SessionRecord.sample(1, routine: "other")
        lying.reason.text = #""routine":"snapshot""#
        try write([lying, .sample(2, routine: strange)])
        #expect(try history("snapshot").records.isEmpty)
        #expect(try history(strange).records.map(\.routine) == [strange])
    }

    @Test func `the search is bounded, and says so`() throws {
        let records = (0..<1000).map { SessionRecord.sample($0, routine: $0 == 0 ? "rare" : "snapshot") }
        try write(records)
        let few = try history("snapshot", most: 10)
        #expect(few.records == Array(records.suffix(10)) && !few.isWhole)
        let rare = try history("rare", searched: 50_000)
        #expect(rare.records.isEmpty && !rare.isWhole)
        #expect(try history("rare").records == [records[0]])
    }

    @Test func `damaged lines are passed over, and no file is no error`() throws {
        #expect(try history("snapshot").isWhole)
        try directory.write(
            SessionFiles.current,
            Array(#"{"routine":"snapshot""#.utf8) + [0x0A, 0xFF, 0x0A] + SessionRecord.sample(7).line() + [0x0A])
        #expect(try history("snapshot").records == [.sample(7)])
    }
}

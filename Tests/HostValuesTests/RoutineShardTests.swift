import HostValues
import Testing

/// Parts of routines, and what records say of leases.
@Suite struct RoutineShardTests {
    @Test(
        arguments: [
            ("crawl", "crawl", nil), ("crawl#0", "crawl", 0), ("crawl#12", "crawl", 12), ("crawl#", "crawl#", nil),
            ("crawl#x", "crawl#x", nil), ("#3", "", 3), ("a#-1", "a#-1", nil), ("", "", nil),
        ] as [(String, String, Int?)])
    func aNameIsTakenApart(name: String, routine: String, index: Int?) {
        let found = RoutineShard.split(name)
        #expect(found.routine == routine && found.index == index)
    }

    @Test func aNameIsPutTogether() { #expect(RoutineShard(3, of: 16).name(of: "crawl") == "crawl#3") }

    @Test func aRecordSaysByWhichLeaseAndForWhichPart() throws {
        var record = SessionRecord(
            session: SessionID(rawValue: 5), plugin: "p", routine: "r#3", startMs: 1, finishMs: 2, durationMs: 1,
            cycles: 3, reason: .init(.handedOver))
        #expect(!String(decoding: record.line(), as: UTF8.self).contains("shard"))
        record.leaseToken = 77
        record.shard = RoutineShard(3, of: 16)
        let line = record.line()
        #expect(String(decoding: line, as: UTF8.self).hasSuffix("\"lease_token\":77,\"shard\":3,\"shards\":16}"))
        #expect(try SessionRecord(line: line) == record)
    }
}

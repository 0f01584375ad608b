import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// What is read of a store for people: checked, and bounded whatever is in there.
@Suite struct FleetReaderTests {
    private static let hosts = (1...3).map { HostID(high: $0, low: 7) }

    private func entry(_ key: String, _ value: [UInt8]) -> StoreAnswer.Entry {
        StoreAnswer.Entry(key: key, version: 1, value: value)
    }

    private func answer(_ found: [StoreAnswer.Entry]?, cut: String? = nil) -> StoreAnswer {
        StoreAnswer(sent: 5, outcome: .done(version: 0), found: found, cut: cut)
    }

    @Test func aReadingGoesFromTheHostsToTheirRecords() throws {
        var reader = FleetReader()
        let first = reader.begin(at: 3)
        #expect(first == StoreRequest(reads: ["lease/epoch"], lists: ["lease/host/", "status/", "lease/routine/"]))
        #expect(reader.begin(at: 4) == nil && reader.isReading)
        let next = reader.answered(
            answer([
                entry("lease/epoch", ClusterRecordsTests.epoch.bytes),
                entry("lease/host/\(Self.hosts[0])", ClusterRecordsTests.host.bytes),
                entry("lease/host/\(Self.hosts[1])", Array("junk".utf8)),
                entry("lease/host/x", ClusterRecordsTests.host.bytes),
                entry("status/\(Self.hosts[2])", FleetReportTests.report.bytes),
                entry("status/\(Self.hosts[0])", FleetReportTests.report.bytes),
                entry("status/\(Self.hosts[1])", ClusterRecordsTests.host.bytes),
                entry("lease/routine/p/r#3", ClusterRecordsTests.claim.bytes), entry("lease/routine/p/s", []),
            ]))
        #expect(next?.lists == ["record/\(Self.hosts[0])/"])
        let records = [2, 1].map { number in
            entry("record/\(number)", StoredRecord(number: number, record: FleetReportTests.record(number)).bytes)
        }
        var lying = FleetReportTests.record(9)
        lying.hostID = "somebody else"
        let last = reader.answered(
            answer(records + [entry("record/x", []), entry("record/y", StoredRecord(number: 3, record: lying).bytes)]))
        #expect(last?.lists == ["record/\(Self.hosts[2])/"] && reader.view == nil)
        #expect(reader.answered(answer([], cut: "record/")) == nil)
        let view = try #require(reader.view)
        #expect(reader.rounds == 1 && !reader.isReading && !reader.hasFailed)
        #expect(view.readAt == 3 && view.epoch == ClusterRecordsTests.epoch && view.isCut)
        #expect(view.hosts.count == 3 && view.hosts[Self.hosts[1]] == .init(member: nil, isMember: true))
        #expect(view.hosts[Self.hosts[2]]?.isMember == false)
        #expect(view.claims == [ClaimName(plugin: "p", routine: "r", shard: 3): ClusterRecordsTests.claim])
        #expect(view.records.map(\.session.rawValue) == [1, 2, 9])
        #expect(view.records.allSatisfy { $0.hostID == Self.hosts[0].description }, "whatever a record says itself")
        #expect(view.unreadable == 5)
    }

    @Test func whatIsReadIsBounded() throws {
        var reader = FleetReader()
        _ = reader.begin(at: 0)
        let hosts = (0..<300 as Range<UInt64>).map {
            entry("status/\(HostID(high: $0, low: 1))", FleetReportTests.report.bytes)
        }
        let claims = (0..<3000).map { entry("lease/routine/p/r#\($0)", ClusterRecordsTests.claim.bytes) }
        var request = reader.answered(answer(hosts + claims))
        let record = StoredRecord(
            number: 1, record: FleetReportTests.record(1, text: String(repeating: "x", count: 2000)))
        var asked = 0
        while request != nil {
            asked += 1
            request = reader.answered(answer(Array(repeating: entry("record/x", record.bytes), count: 100)))
        }
        let view = try #require(reader.view)
        #expect(asked == 128 && view.hosts.count == 128 && view.claims.count == 2000 && view.isCut)
        #expect(view.records.count * record.bytes.count <= 4 << 20 && view.records.count > 1000)
    }

    @Test func aReadingInVainKeepsWhatWasReadBefore() {
        var reader = FleetReader()
        _ = reader.begin(at: 1)
        #expect(reader.answered(answer([])) == nil)
        #expect(reader.view?.readAt == 1)
        _ = reader.begin(at: 9)
        #expect(reader.answered(answer(nil)) == nil)
        #expect(reader.view?.readAt == 1 && reader.hasFailed && reader.rounds == 2)
        _ = reader.begin(at: 10)
        reader.abandon()
        #expect(reader.view?.readAt == 1 && reader.hasFailed && reader.rounds == 3 && !reader.isReading)
        reader.abandon()
        #expect(reader.rounds == 3)
        #expect(reader.answered(answer([])) == nil && reader.rounds == 3, "nobody asked")
    }
}

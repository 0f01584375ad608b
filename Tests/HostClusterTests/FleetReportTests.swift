import HostTestKit
import HostValues
import Testing

@testable import HostCluster

/// What hosts leave in the store for people: as it was written, or nothing.
@Suite struct FleetReportTests {
    static let report: HostReport = {
        var report = HostReport(
            name: "röt\"", pid: 77, version: "1.2", startMs: 5, mode: .draining, modeMs: 6, wroteMs: 7, routines: 8,
            running: 3, quarantined: 1)
        report.skewMs = -12
        report.sessions = [
            .init(routine: "p/r#3", session: SessionID(rawValue: 9), startMs: 4, token: 11),
            .init(routine: "p/s", session: SessionID(rawValue: 10), startMs: 4, token: nil),
        ]
        return report
    }()

    static func record(_ number: UInt64, text: String = "") -> SessionRecord {
        SessionRecord(
            session: SessionID(rawValue: number), plugin: "p", routine: "r#3", startMs: 1, finishMs: Int64(number),
            durationMs: 1, cycles: 5, reason: .init(.maxCycles, text: text),
            stats: .init([("a", .int(1)), ("b", .string("x"))]), leaseToken: 12, shard: RoutineShard(3, of: 4))
    }

    @Test func whatIsWrittenIsRead() throws {
        #expect(HostReport(Self.report.bytes) == Self.report)
        let stored = StoredRecord(number: 7, record: Self.record(1))
        #expect(StoredRecord(stored.bytes) == stored)
        #expect(HostReport(stored.bytes) == nil && StoredRecord(Self.report.bytes) == nil)
    }

    @Test(arguments: [
        "", "{}", "null", "[]", "{\"form\":1}", "\u{0}", "{\"form\":2,\"name\":\"a\",\"mode\":\"serving\"}",
        "{\"form\":1,\"name\":\"a\",\"mode\":\"asleep\"}", "{\"form\":1,\"name\":\"a\",\"mode\":\"serving\"} x",
        "{\"form\":1,\"name\":\"a\",\"mode\":\"serving\",\"sessions\":[{}]}",
        "{\"form\":1,\"name\":\"a\",\"mode\":\"serving\",\"pid\":-1}",
        "{\"form\":1,\"n\":1,\"record\":{\"session\":\"?\"}}", "{\"form\":1,\"n\":-1,\"record\":{}}",
    ])
    func junkIsNothing(text: String) {
        #expect(HostReport(Array(text.utf8)) == nil)
        #expect(StoredRecord(Array(text.utf8)) == nil)
    }

    @Test func aReportHasAsManySessionsAsThereIsRoomFor() throws {
        var report = Self.report
        report.name = String(repeating: "\u{1}", count: 255)  // each is six bytes in JSON
        report.sessions = (0..<200).map {
            .init(routine: "plugin/routine", session: SessionID(rawValue: $0), startMs: 1, token: $0)
        }
        #expect(report.bytes.count <= 4096)
        let read = try #require(HostReport(report.bytes))
        #expect(read.sessions.count > 10 && read.sessions == Array(report.sessions.prefix(read.sessions.count)))
        report.sessions = [
            .init(
                routine: String(repeating: "\u{1}", count: 3000), session: SessionID(rawValue: 1), startMs: 1, token: 1)
        ]
        #expect(HostReport(report.bytes) != nil)
    }

    @Test func aLargeRecordIsStoredWithoutItsStats() throws {
        var record = Self.record(1, text: String(repeating: "\u{1}", count: 2000))
        for number in 0..<64 { record.stats["stat\(number)"] = .string(String(repeating: "\u{1}", count: 2000)) }
        (record.plugin, record.build) = (String(repeating: "\u{1}", count: 64), String(repeating: "\u{1}", count: 2000))
        record.reason.frame = String(repeating: "\u{1}", count: 2000)
        let stored = StoredRecord(number: 1, record: record)
        #expect(stored.bytes.count <= 4096)
        let read = try #require(StoredRecord(stored.bytes)).record
        #expect(read.session == record.session && read.stats.columns.isEmpty && read.leaseToken == 12)
        #expect(record.reason.text.hasPrefix(read.reason.text) && !read.reason.text.isEmpty)
    }

    @Test func whateverBytesComeNothingTraps() {
        var random = SplitMix(seed: 7)
        for seed in [Self.report.bytes, StoredRecord(number: 1, record: Self.record(1)).bytes] {
            for _ in 0..<2000 {
                var bytes = seed
                for _ in 0...Int.random(in: 0...3, using: &random) {
                    bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0 ... .max, using: &random)
                }
                bytes.removeLast(Int.random(in: 0...2, using: &random))
                if let report = HostReport(bytes) { #expect(report.sessions.count <= 2) }
                if let stored = StoredRecord(bytes) { #expect(stored.number <= 1 << 53) }
            }
        }
    }

    @Test func aClaimIsKnownByItsKey() throws {
        for name in [
            ClaimName(plugin: "p", routine: "r"), ClaimName(plugin: "p:2", routine: "r ö/%", shard: 12),
        ] {
            #expect(ClusterKey.claim(in: try #require(ClusterKey.claim(name))) == name)
        }
        for key in [
            "lease/routine/", "lease/routine/p", "lease/routine/p/", "lease/routine//r", "lease/routine/p/r/s",
            "lease/routine/p/r#", "lease/routine/p/r#-1", "lease/routine/p/r#01",
            "lease/routine/p/r#1#2", "lease/routine/p/%", "lease/routine/p/%4", "lease/routine/p/%zz",
            "lease/routine/p/%41", "lease/routine/p/%FF", "lease/host/p/r",
        ] {
            #expect(ClusterKey.claim(in: key) == nil, "\(key)")
        }
    }
}

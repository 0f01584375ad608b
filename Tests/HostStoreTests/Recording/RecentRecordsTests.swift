import HostStore
import HostValues
import HostViews
import Testing

/// The newest records, kept for the page.
@Suite struct RecentRecordsTests {
    private func record(_ number: UInt64, text: String = "", report: String? = nil) -> SessionRecord {
        var record = SessionRecord(
            session: SessionID(rawValue: number << 20 + 1), plugin: "p", pluginVersion: nil, build: nil, routine: "r",
            host: nil, pid: nil, startMs: 0, finishMs: 1, durationMs: 1, cycles: number,
            reason: .init(.stopped, text: text))
        record.report = report
        return record
    }

    @Test(arguments: [0, 1, 3, 10, 25])
    func `the newest so many, as the records command writes them`(count: UInt64) {
        var recent = RecentRecords(most: 10, mostBytes: 1 << 20)
        let records = (0..<count).map { record($0) }
        for record in records { recent.add(RecordLine(record)) }
        #expect(String(decoding: recent.json(), as: UTF8.self) == RecordTable.json(Array(records.suffix(10))))
        #expect(recent.count == min(10, Int(count)) && recent.json() == recent.json())
    }

    @Test func `bytes are bounded too, and reports go with their records`() {
        var recent = RecentRecords(most: 1000, mostBytes: 20_000)
        for number in 0..<100 as Range<UInt64> {
            recent.add(
                RecordLine(record(number, text: String(repeating: "x", count: 1000), report: "p@\(number).json")))
        }
        #expect((10..<20).contains(recent.count) && recent.json().count < 21_000)
        #expect(recent.report(of: record(99).session) == "p@99.json" && recent.report(of: record(1).session) == nil)
        recent.add(RecordLine(record(100, text: String(repeating: "y", count: 2000))))
        #expect(recent.report(of: record(100).session) == nil && recent.count > 5)
    }

    @Test func `the newest record of a routine`() {
        var recent = RecentRecords(most: 10, mostBytes: 1 << 20)
        for number in 1...3 as ClosedRange<UInt64> { recent.add(RecordLine(record(number))) }
        #expect(recent.newest(of: "p", "r") == record(3))
        #expect(recent.newest(of: "p", "other") == nil && recent.newest(of: "q", "r") == nil)
    }
}

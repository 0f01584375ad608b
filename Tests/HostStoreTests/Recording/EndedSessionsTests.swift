import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// What a routine can learn of its sessions before.
@Suite struct EndedSessionsTests {
    private let directory = TestDirectory()

    @Test func `of each routine the newest, the newest first`() {
        var past = EndedSessions((0..<15).map { .sample($0) } + [.sample(20, routine: "other")])
        #expect(
            past.newest(of: "market-poller/snapshot").map(\.session)
                == (5..<15).reversed().map { SessionRecord.sample($0).session })
        #expect(past.newest(of: "market-poller/other").count == 1)
        #expect(past.newest(of: "market-poller/absent").isEmpty)
        past.add(.sample(21))
        #expect(past.newest(of: "market-poller/snapshot").first?.session == SessionRecord.sample(21).session)
        past.add(.sample(21))
        #expect(past.newest(of: "market-poller/snapshot").count == EndedSession.most, "none comes twice")
    }

    @Test func `a load that failed is no session`() {
        var failed = SessionRecord.sample(1)
        failed.reason = SessionRecord.Reason(.error, text: "its load failed", phase: .load)
        #expect(EndedSessions([failed]).newest(of: failed.identifier).isEmpty)
    }

    @Test func `many routines take bounded memory, and those stay whose sessions ended last`() {
        var past = EndedSessions([], most: 100)
        for number in 0..<1000 { past.add(.sample(number, routine: "r\(number)")) }
        let kept = (0..<1000).filter { !past.newest(of: "market-poller/r\($0)").isEmpty }
        #expect(kept == Array(900..<1000))
        // One that fails again and again has its ten, and pushes nobody out.
        for number in 1000..<2000 { past.add(.sample(number, routine: "r999")) }
        #expect(past.newest(of: "market-poller/r999").count == EndedSession.most)
        #expect(past.newest(of: "market-poller/r950").count == 1)
    }

    @Test func `the newest part of the files is read, whatever is in them`() throws {
        #expect(EndedSessions.records(in: try directory.directory()).isEmpty)
        let records = (0..<100).map { SessionRecord.sample($0) }
        let lines = records.flatMap { $0.line() + [UInt8(ascii: "\n")] }
        try directory.write(SessionFiles.current, Array("garbage\n{\n".utf8) + lines)
        #expect(EndedSessions.records(in: try directory.directory()) == records)
        let few = EndedSessions.records(in: try directory.directory(), searched: 3 * records[99].line().count + 3)
        #expect(few == Array(records.suffix(few.count)) && (1...3).contains(few.count))
    }

    @Test func `a long text is cut at a character, and what passes between two processes is whole`() throws {
        var record = SessionRecord.sample(1)
        record.reason = SessionRecord.Reason(.error, text: String(repeating: "é", count: 500))
        let past = EndedSession(record)
        #expect(past.text == String(repeating: "é", count: EndedSession.longestText / 2) && past.isFailure)
        #expect(past.reason == "error" && past.cycles == record.cycles && past.finishMs == record.finishMs)
        var writer = JSONWriter()
        past.write(to: &writer)
        var cursor = JSONCursor(writer.bytes, in: 0..<writer.bytes.count)
        #expect(try EndedSession(from: &cursor) == past)
    }
}

import FoundationEssentials
import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// The file of the sessions that have begun: what is in it is owed by the next host.
@Suite struct OpenSessionsTests {
    private func entry(_ number: UInt64) -> OpenSession {
        OpenSession(
            session: SessionID(rawValue: number), plugin: "market", version: "1.0.0", build: "0bb48b", routine: "poll",
            pid: 77, startMs: 1, boot: "boot", startBoot: 2, ledger: "77-1.ledger", slot: Int(number))
    }

    @Test func `a session is owed with its lease`() {
        var session = entry(1)
        (session.leaseToken, session.shard) = (.max, RoutineShard(3, of: 16))
        #expect(OpenSession(line: session.line()) == session)
        #expect(OpenSession(line: entry(1).line())?.leaseToken == nil)
    }

    /// A directory of the test's own while `body` runs.
    private func inScratch(_ body: (String) throws -> Void) throws {
        let path = try Directory.makeTemporary("schedhost-open", in: "/tmp").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func `what has begun and not ended is owed`() throws {
        try inScratch { path in
            var open = try OpenSessions(try Directory(path))
            for number in 1...3 { try open.begin(entry(UInt64(number))) }
            #expect(try OpenSessions(try Directory(path)).owed == [entry(1), entry(2), entry(3)])
            try open.rewrite([entry(1), entry(3)])
            #expect(try OpenSessions(try Directory(path)).owed.map(\.slot) == [1, 3])
            try open.begin(entry(4))
            #expect(try OpenSessions(try Directory(path)).owed.map(\.slot) == [1, 3, 4])
            try open.settled()
            #expect(try OpenSessions(try Directory(path)).owed.isEmpty)
        }
    }

    @Test func `a file that somebody has removed is written anew`() throws {
        try inScratch { path in
            var open = try OpenSessions(try Directory(path))
            try open.begin(entry(1))
            var wasOvergrown = [open.isOvergrown]
            try Directory(path).remove("open.jsonl")
            try open.begin(entry(2))
            wasOvergrown.append(open.isOvergrown)
            try open.rewrite([entry(1), entry(2)])
            wasOvergrown.append(open.isOvergrown)
            #expect(wasOvergrown == [false, true, false])
            #expect(try OpenSessions(try Directory(path)).owed == [entry(1), entry(2)])
        }
    }

    @Test func `the file is overgrown when three in four of many lines are of sessions that have ended`() throws {
        try inScratch { path in
            var open = try OpenSessions(try Directory(path))
            for number in 1...5000 { try open.begin(entry(UInt64(number))) }
            var wasOvergrown = [open.isOvergrown]
            for number in 1...3751 {
                open.end(SessionID(rawValue: UInt64(number)))
                if number >= 3750 { wasOvergrown.append(open.isOvergrown) }
            }
            try open.rewrite((3752...5000).map { entry(UInt64($0)) })
            wasOvergrown.append(open.isOvergrown)
            #expect(wasOvergrown == [false, false, true, false])
        }
    }

    @Test func `a line of which a full disk took half does not spoil the next one`() throws {
        try inScratch { path in
            var open = try OpenSessions(try Directory(path))
            try open.begin(entry(1))
            try Directory(path).openForAppending("open.jsonl").writeAll(
                Array(#"{"session":"1m86h8fz17x08","plu"#.utf8), subject: "open.jsonl")
            try open.begin(entry(2))
            #expect(try OpenSessions(try Directory(path)).owed == [entry(1), entry(2)])
        }
    }

    @Test func `a session has one record, however often the records were rotated before the host was killed`() throws {
        try inScratch { path in
            do {
                let records = try StateRecords(in: path, log: MemoryLog())
                try records.begin(entry(1))
                try records.begin(entry(2))
                #expect(!records.isOvergrown)
            }
            // Its record is three files back, as when the file of open sessions could not be written anew.
            let old = SessionRecord(
                session: SessionID(rawValue: 1), plugin: "market", pluginVersion: "1.0.0", build: "0bb48b",
                routine: "poll", host: "h", pid: 77, startMs: 1, finishMs: 2, durationMs: 1, cycles: 5, failures: 0,
                missed: 0, lifetimeCycles: 5, reason: SessionRecord.Reason(.stopped, text: ""))
            let directory = try Directory(path)
            try directory.openForAppending("sessions.3.jsonl").writeAll(old.line() + [10], subject: "")
            for name in ["sessions.1.jsonl", "sessions.2.jsonl"] { _ = try directory.openForAppending(name) }
            let records = try StateRecords(in: path, log: MemoryLog())
            #expect(records.owed == [entry(2)])
            #expect(records.lifetimeCycles(plugin: "market", routine: "poll") == 5)
        }
    }
}

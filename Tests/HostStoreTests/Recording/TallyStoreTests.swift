import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// The file of the tallies.
@Suite struct TallyStoreTests {
    private let store = TallyStore()

    private func tallies() -> [String: RoutineTally] {
        [
            "a/b": RoutineTally(
                content: "c", failures: [.init(atMs: 5, cause: "\"quoted\" ü")],
                rows: [.init(fault: "death", sinceMs: 4, count: 2, cause: "")], stopped: false,
                quarantine: .init(why: "w", probeAtMs: nil, step: 1)),
            "a/c": RoutineTally(content: "", failures: [], rows: [], stopped: true, quarantine: nil),
            "a/d": RoutineTally(
                content: "", failures: [], rows: [], stopped: false, quarantine: nil, paused: true),
        ]
    }

    @Test func anAbsentFileIsNoTally() throws {
        let scratch = TestDirectory()
        let (tallies, warning) = store.load(from: try Directory(scratch.path))
        #expect(tallies.isEmpty && warning == nil)
    }

    @Test func whatIsSavedIsLoaded() throws {
        let scratch = TestDirectory()
        let directory = try Directory(scratch.path)
        try store.save([:], in: directory)
        try store.save(tallies(), in: directory)
        let (loaded, warning) = store.load(from: directory)
        #expect(loaded == tallies() && warning == nil)
        #expect(try directory.names() == ["tally.json"])
        #expect(try directory.status("tally.json").mode == 0o600)
    }

    @Test func theErrorsOfATallyThatCountedThemAreForgotten() throws {
        let scratch = TestDirectory()
        let directory = try Directory(scratch.path)
        func failures(_ causes: String...) -> String {
            causes.map { "{\"at_ms\":5,\"cause\":\"\($0)\"}" }.joined(separator: ",")
        }
        func tally(_ failures: String, _ why: String?, stopped: Bool = false) -> String {
            let quarantine = why.map { ",\"quarantine\":{\"why\":\"\($0)\",\"probe_at_ms\":7,\"step\":0}" } ?? ""
            return "{\"content\":\"c\",\"failures\":[\(failures)],\"streak\":3,\"stopped\":\(stopped)\(quarantine)}"
        }
        let away = "5 failures within 5 min for the same cause (error connection refused)"
        let crash = "5 failures within 5 min for the same cause (crash SIGSEGV run (p.c:1))"
        let text = """
            {"version":1,"routines":{
            "a/away":\(tally("", away)),"a/both":\(tally(failures("error x", "crash SIGSEGV", "error"), nil)),
            "a/crash":\(tally("", crash)),"a/probe":\(tally("", "its probe failed (error away)")),
            "a/stop":\(tally("", nil, stopped: true))}}
            """
        try directory.create("tally.json").writeAll(Array(text.utf8), subject: "test")
        let (tallies, warning) = store.load(from: directory)
        #expect(warning == nil)
        #expect(tallies.count == 5)
        #expect(tallies["a/away"]?.quarantine == nil && tallies["a/probe"]?.quarantine == nil)
        #expect(tallies["a/crash"]?.quarantine?.why == crash)
        #expect(tallies["a/both"]?.failures.map(\.cause) == ["crash SIGSEGV"])
        #expect(tallies["a/stop"]?.stopped == true)
    }

    @Test func aLeftOverTemporaryDoesNotStopASave() throws {
        let scratch = TestDirectory()
        let directory = try Directory(scratch.path)
        try directory.create("tally.json.new").writeAll([1, 2, 3], subject: "test")
        try store.save(tallies(), in: directory)
        #expect(store.load(from: directory).tallies == tallies())
    }

    @Test(arguments: [
        "", "{", "[]", "{\"version\":3,\"routines\":{}}", "{\"version\":1}", "\0\u{1}", "null",
        "{\"version\":1,\"routines\":{\"a/b\":{\"content\":5}}}", String(repeating: "[", count: 100_000),
    ])
    func aFileThatIsNoTallyIsSetAside(text: String) throws {
        let scratch = TestDirectory()
        let directory = try Directory(scratch.path)
        try directory.create("tally.json").writeAll(Array(text.utf8), subject: "test")
        let (tallies, warning) = store.load(from: directory)
        #expect(tallies.isEmpty)
        #expect(
            warning == "\(scratch.path)/tally.json is not a tally of this host: routines start without their tallies; "
                + "the file was set aside as tally.json.corrupt")
        #expect(try directory.names() == ["tally.json.corrupt"])
    }

    @Test func aFileThatCannotBeReadIsLeftAlone() throws {
        let scratch = TestDirectory()
        let directory = try Directory(scratch.path)
        _ = try directory.directory("tally.json", create: true)
        let (tallies, warning) = store.load(from: directory)
        #expect(tallies.isEmpty)
        #expect(warning?.hasSuffix("routines start without their tallies") == true)
        #expect(throws: SystemError.self) { try store.save(self.tallies(), in: directory) }
    }
}

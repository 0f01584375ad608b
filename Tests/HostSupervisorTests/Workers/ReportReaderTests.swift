import FoundationEssentials
import Glibc
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Reading what dead workers leave: whatever that is, it is read beside the loop, and bounded.
@Suite struct ReportReaderTests {
    static let good =
        #"{"description":"Bad","threads":[{"crashed":false,"frames":[{"symbol":"other","image":"a.so"}]},"#
        + #"{"crashed":true,"frames":[{"symbol":"f","image":"lib.so","sourceLocation":{"file":"/x/b.c","line":3}}]}]}"#

    /// What is read of a report that `make` has put at the path.
    private func read(
        wanted: Bool = true, then: (String) throws -> Void = { _ in }, _ make: (String) throws -> Void
    ) throws -> (Report, left: Bool) {
        let folder = TestDirectory()
        try make(folder.path + "/1.json")
        let loop = try EventLoop(clock: SystemClock())
        let reader = try ReportReader(try Directory(folder.path), loop: loop)
        var found: Report?
        reader.read(.init(report: "1.json", page: nil, files: [])) { report in
            found = report
            return wanted
        }
        let deadline = SystemClock().monotonic() + 10_000_000_000
        try loop.run { now in
            if found != nil || now > deadline { loop.stop() }
            return deadline
        }
        let report = try #require(found)
        if report.file != nil, wanted { try then(folder.path + "/1.json") }
        return (report, FileManager.default.fileExists(atPath: folder.path + "/1.json"))
    }

    private func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    @Test func `a report is read, and stays for the record`() throws {
        let (report, isLeft) = try read { try write(Self.good, to: $0) }
        #expect(report == Report(frame: "f (b.c:3)", text: "Bad", file: "1.json") && isLeft)
    }

    @Test func `what is kept has neither registers nor memory, and is the same report`() throws {
        let private1 = #""registers":{"rax":"0x0073736170726553"},"name":"main","#
        let private2 = #","capturedMemory":{"0x7ffd1234":"73 65 63 72 65 74"},"backtraceTime":0.2,"own":"hunter2"}"#
        var text = Self.good.replacing(#""crashed":true,"#, with: #""crashed":true,"# + private1)
        text = #"{"timestamp":"now","kind":"crashReport","# + text.dropFirst().dropLast() + private2
        var kept = Data()
        let (report, _) = try read(then: { kept = try Data(contentsOf: URL(filePath: $0)) }) {
            try write(text, to: $0)
        }
        #expect(report.file == "1.json" && report.frame == "f (b.c:3)")
        let words = String(decoding: kept, as: UTF8.self)
        for word in ["registers", "rax", "0x0073736170726553", "capturedMemory", "73 65 63", "hunter2"] {
            #expect(!words.contains(word), "\(words)")
        }
        for word in [#""timestamp":"now""#, #""kind":"crashReport""#, #""file":"/x/b.c","line":3"#] {
            #expect(words.contains(word), "\(words)")
        }
        let before = try #require(CrashReport(Array(text.utf8)))
        let after = try #require(CrashReport(Array(kept)))
        #expect(CrashReportText.text(after, plugin: "p") == CrashReportText.text(before, plugin: "p"))
        #expect(after.json == Array(kept), "what was kept once is kept as it is")
    }

    @Test func `what is kept is at most 1 MiB, whatever is in the texts`() throws {
        let name = String(repeating: "\u{202E}", count: 1300)
        let frames = (0..<250).map { _ in #"{"symbol":"\#(name)"}"# }.joined(separator: ",")
        let report = try #require(CrashReport(Array(#"{"threads":[{"frames":[\#(frames)]}]}"#.utf8)))
        #expect(report.frames.count == 250)
        let kept = try #require(CrashReport(report.json))
        #expect(report.json.count <= CrashReport.limit && !kept.frames.isEmpty)
    }

    @Test func `a report that nobody awaits any more is removed`() throws {
        let (report, isLeft) = try read(wanted: false) { try write(Self.good, to: $0) }
        #expect(report.file != nil && !isLeft)
    }

    @Test func `where there is nothing to read, the answer comes at once`() throws {
        #expect(try read { _ in }.0 == Report())
    }

    @Test(arguments: [0, 1, 1_048_576, 20_000_000]) func `what is no report, or too long for one, is removed`(size: Int)
        throws
    {
        let (report, isLeft) = try read { try write(String(repeating: "[", count: size), to: $0) }
        #expect(report == Report() && !isLeft)
    }

    @Test func `what is no file at all keeps nobody waiting`() throws {
        let (pipe, _) = try read { path in _ = unsafe mkfifo(path, 0o600) }
        let (link, _) = try read { path in
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        }
        let (folder, _) = try read { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        #expect(pipe == Report() && link == Report() && folder == Report())
    }

    @Test func `a hundred reports at once are all read`() throws {
        let folder = TestDirectory()
        for number in 0..<100 { try write(Self.good, to: "\(folder.path)/\(number).json") }
        let loop = try EventLoop(clock: SystemClock())
        let reader = try ReportReader(try Directory(folder.path), loop: loop)
        var names: Set<String> = []
        for number in 0..<100 {
            reader.read(.init(report: "\(number).json", page: nil, files: [])) { report in
                names.insert(report.file ?? "")
                return true
            }
        }
        let deadline = SystemClock().monotonic() + 10_000_000_000
        try loop.run { now in
            if names.count == 100 || now > deadline { loop.stop() }
            return deadline
        }
        #expect(names.count == 100)
    }

    @Test func `a report keeps the frames of one thread, and no more than it needs`() throws {
        let frame = #"{"symbol":"f","offset":-1,"unknown":[{"a":null}]}"#
        let frames = Array(repeating: frame, count: 5000).joined(separator: ",")
        let threads = Array(repeating: "{}", count: 5000).joined(separator: ",")
        let text =
            #"{"threads":[\#(threads),{"crashed":true,"frames":[\#(frames)]},{"frames":[]}],"extra":{"x":[1,2]}}"#
        let report = try #require(CrashReport(Array(text.utf8)))
        #expect(report.frames.count == 256 && report.frames.allSatisfy { $0.symbol == "f" && $0.offset == -1 })
        #expect(CrashReport(Array(#"{"threads":null,"description":null,"platform":"x"}"#.utf8))?.platform == "x")
        for wrong in ["", "[]", #"{"threads":{}}"#, #"{"description":5}"#, #"{"threads":[{"frames":[5]}]}"#, "{} x"] {
            #expect(CrashReport(Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }
}

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

    /// What is read of a report with this text.
    private func read(
        _ text: String, wanted: Bool = true, isCleaned: Bool = false, then: (String) throws -> Void = { _ in }
    ) throws -> (Report, left: Bool) {
        let folder = TestDirectory()
        let reports = folder.path + "/reports"
        if !isCleaned { try FileManager.default.createDirectory(atPath: reports, withIntermediateDirectories: false) }
        let loop = try EventLoop(clock: SystemClock())
        let reader = try ReportReader(try Directory(folder.path), loop: loop)
        var found: Report?
        reader.read(.init(report: "1.json", paper: try paper(text), page: nil, files: [])) { report in
            found = report
            return wanted
        }
        let deadline = SystemClock().monotonic() + 10_000_000_000
        try loop.run { now in
            if found != nil || now > deadline { loop.stop() }
            return deadline
        }
        let report = try #require(found)
        if report.file != nil, wanted { try then(reports + "/1.json") }
        return (report, FileManager.default.fileExists(atPath: reports + "/1.json"))
    }

    /// What a backtracer has written that text to.
    private func paper(_ text: String) throws -> ReportPaper {
        let paper = try ReportPaper()
        try paper.file.writeAll(Array(text.utf8), subject: "paper")
        return paper
    }

    @Test(arguments: [false, true]) func `a report is read, and stays for the record`(isCleaned: Bool) throws {
        let (report, isLeft) = try read(Self.good, isCleaned: isCleaned)
        #expect(report == Report(frame: "f (b.c:3)", text: "Bad", file: "1.json") && isLeft)
    }

    @Test func `what is kept has neither registers nor memory, and is the same report`() throws {
        let private1 = #""registers":{"rax":"0x0073736170726553"},"name":"main","#
        let private2 = #","capturedMemory":{"0x7ffd1234":"73 65 63 72 65 74"},"backtraceTime":0.2,"own":"hunter2"}"#
        var text = Self.good.replacing(#""crashed":true,"#, with: #""crashed":true,"# + private1)
        text = #"{"timestamp":"now","kind":"crashReport","# + text.dropFirst().dropLast() + private2
        var kept = Data()
        let (report, _) = try read(text, then: { kept = try Data(contentsOf: URL(filePath: $0)) })
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
        let (report, isLeft) = try read(Self.good, wanted: false)
        #expect(report.file != nil && !isLeft)
    }

    @Test func `where there is nothing to read, the answer comes at once`() throws {
        #expect(try read("").0 == Report())
    }

    @Test(arguments: [0, 1, 1_048_576, 20_000_000]) func `what is no report, or too long for one, is not kept`(
        size: Int
    )
        throws
    {
        let (report, isLeft) = try read(String(repeating: "[", count: size))
        #expect(report == Report() && !isLeft)
    }

    @Test func `a program that a worker starts can write the report, whatever it wrote before`() throws {
        let paper = try paper("something long that is no report")
        let child = try ChildProcess(
            .init(
                executable: "/bin/sh", arguments: ["sh", "-c", "printf %s \"$0\" > '\(paper.path)'", Self.good],
                environment: [], descriptors: [(paper.file.raw, paper.number)]))
        while child.ended() == nil { sched_yield() }
        #expect(child.reap() == .exited(0))
        #expect(paper.content(limit: 1000) == Array(Self.good.utf8))
    }

    @Test func `a hundred reports at once are all read`() throws {
        let folder = TestDirectory()
        let loop = try EventLoop(clock: SystemClock())
        let reader = try ReportReader(try Directory(folder.path), loop: loop)
        var names: Set<String> = []
        for number in 0..<100 {
            reader.read(.init(report: "\(number).json", paper: try paper(Self.good), page: nil, files: [])) { report in
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

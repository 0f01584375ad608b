import HostSystem
import HostValues
import Testing

extension EndToEnd.Isolation {
    /// A plugin that dies at its limits has used up what its crash report needs: the report has room of its own.
    @Test(arguments: ["memory_mb: 16", "processes: 2", "cpu_percent: 1", "open_files: 16"])
    func `a crash within the tightest limits has its report`(limit: String) async throws {
        try await Fixtures.build(
            "tight", c: Source.plugin("tight", waitMs: 60_000, body: "*(volatile int *)8 = 1;"))
        let scratch = try Scratch()
        try scratch.add("tight")
        try scratch.write("{ limits: { \(limit) } }", to: "tight.json5")
        let host = try Host(in: scratch)
        let record = try await eventually("a record\n\(host.log)") { try Records.read(scratch).first }
        _ = try await host.end(by: Signals.terminate)
        #expect(record.reason.end == .crash && record.reason.signal == "SIGSEGV")
        #expect(record.reason.frame?.contains("run") == true, "\(record.reason.frame ?? "no frame")")
        #expect(
            record.reason.text.contains("Bad pointer dereference"), "only the report says that: \(record.reason.text)")
        #expect(record.report?.isEmpty == false)
    }
}

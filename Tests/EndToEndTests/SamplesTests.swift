import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What the sample plugins keep in their caches, with the real program.
    @Suite struct Samples {
        private func host(of plugin: String, configuration: String, in scratch: Scratch) throws {
            try FileManager.default.copyItem(
                atPath: try Program.folder + "/lib\(plugin).so", toPath: "\(scratch.plugins)/lib\(plugin).so")
            try scratch.write(configuration, to: configurationName(plugin))
        }

        private func configurationName(_ plugin: String) -> String {
            switch plugin {
            case "LogTail": "log-tail.json5"
            case "MarketPoller": "market-poller.json5"
            default: "symbol-index.json5"
            }
        }

        @Test func `LogTail goes on where it was, after a replacement and after a restart`() async throws {
            let scratch = try Scratch()
            let log = scratch.path + "/followed.log"
            try append("one error\ntwo\n", to: log)
            try host(
                of: "LogTail", configuration: "{ wait_ms: 50, params: { file: \"\(log)\", from_start: true } }",
                in: scratch)
            let first = try Host(in: scratch)
            try await first.line("log-tail/follow", "2 new lines")
            // Other bytes, the same plugin: a copy without debug information.
            _ = try await Command.shell(
                "strip -g -o '\(scratch.path)/new.so' '\(scratch.plugins)/libLogTail.so' "
                    + "&& mv '\(scratch.path)/new.so' '\(scratch.plugins)/libLogTail.so'", in: scratch)
            try await first.line("log-tail/follow", "ended: reloaded")
            try append("three error\n", to: log)
            try await first.line("log-tail/follow", "1 new lines, 1 of them matching")
            _ = try await first.end(by: Signals.interrupt)
            try append("four error\n", to: log)
            let second = try Host(in: scratch)
            try await second.line("log-tail/follow", "1 new lines, 1 of them matching")
            _ = try await second.end(by: Signals.interrupt)
            let records = try second.records
            #expect(records.map(\.reason.end) == [.reloaded, .stopped, .stopped])
            #expect(records.compactMap { $0.stats["lines"] } == [.int(2), .int(1), .int(1)])
        }

        @Test func `MarketPoller fetches once and hits, SymbolIndex loads once for two hosts`() async throws {
            let scratch = try Scratch()
            try host(of: "MarketPoller", configuration: "{ wait_ms: 20, max_cycles: 5 }", in: scratch)
            try host(
                of: "SymbolIndex", configuration: "{ wait_ms: 20, max_cycles: 2, params: { limit: 20 } }", in: scratch)
            for _ in 0..<2 {
                #expect(try await Host("--exit-when-idle", in: scratch).ended() == .exited(0))
            }
            let records = try Records.read(scratch)
            let poller = records.filter { $0.plugin == "market-poller" }.map(\.stats)
            #expect(poller.count == 2)
            for stats in poller {
                #expect(stats["cache.snapshot.loads"] == .int(1) && stats["cache.snapshot.hits"] == .int(4))
            }
            let index = records.filter { $0.plugin == "symbol-index" }.map(\.stats)
            #expect(index.compactMap { $0["cache.index.loads"] } == [.int(1)], "loaded again after the restart")
            #expect(index.compactMap { $0["cache.index.hits"] } == [.int(1), .int(2)])
        }

        private func append(_ text: String, to path: String) throws {
            let parts = path.split(separator: "/")
            let directory = try Directory("/" + parts.dropLast().joined(separator: "/"))
            try directory.openForAppending(String(parts[parts.count - 1])).writeAll(Array(text.utf8), subject: path)
        }
    }
}

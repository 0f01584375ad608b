import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Disk caches in folders that their author has named, in a real sandbox.
    @Suite struct CachePaths {
        private static let text = """
            #include <schedhost/plugin.h>
            #include <stdlib.h>
            static int loads;
            static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                 schedhost_writer *writer, void *user) {
                char text[32];
                (void)scheduler, (void)key, (void)size, (void)user;
                return schedhost_write(writer, text, (size_t)snprintf(text, sizeof text, "number %d", ++loads));
            }
            static int32_t ask(const schedhost_scheduler *scheduler, void *user) {
                schedhost_cache_options options = {SCHEDHOST_SIZED(schedhost_cache_options), .expire_ms = INT64_MAX,
                                                   .source = fetch, .path = getenv("SCHEDHOST_DATA") ? PATH : "no data folder"};
                schedhost_cache *cache;
                schedhost_cache_value value;
                int32_t code = scheduler->host->cache(scheduler, "prices", &options, &cache);
                (void)user;
                if (code != 0) { return schedhost_fail(scheduler, code, "not opened"); }
                code = schedhost_cache_get(scheduler, cache, 0, 0, &value);
                if (code == 0) { schedhost_info(scheduler, "got %.*s", (int)value.size, (const char *)value.data); }
                return code;
            }
            static const schedhost_routine poll = {SCHEDHOST_SIZED(schedhost_routine), .name = "poll", .wait_ms = 50, .run = ask};
            static const schedhost_routine *const routines[] = {&poll, NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "placed", .version = "1.0.0", .routines = routines};
            SCHEDHOST_PLUGIN(&plugin)
            """

        /// A plugin whose cache has that path.
        private static func scratch(_ name: String, path: String) async throws -> Scratch {
            try await Fixtures.build(name, c: text.replacing("PATH", with: "\"\(path)\""))
            let scratch = try Scratch()
            try scratch.add(name)
            return scratch
        }

        @Test func `within the data folder: kept across hosts, listed, cleared, and the same in a trial`() async throws
        {
            let scratch = try await Self.scratch("placed", path: "mine/prices")
            for _ in 1...2 {
                let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
                #expect(try await host.ended() == .exited(0), "\(host.log)")
                #expect(host.lines("got number 1").count == 2, "\(host.log)")
            }
            let file = "data/placed/mine/prices/placed/poll/prices.shc"
            #expect(FileManager.default.fileExists(atPath: scratch.state + "/" + file))
            let list = try await Program.run("cache", "list", "--json", "--state", scratch.state, in: scratch)
            #expect(list.output.contains("\"file\" : \"\(file)\""), "\(list.output)")
            let running = try Host(in: scratch)
            try await running.line("placed/poll", "got number 1")
            let clear = try await Program.run("cache", "clear", "placed", "--state", scratch.state, in: scratch)
            #expect(clear.end == .exited(0) && clear.errors.contains("1 value removed"), "\(clear.errors)")
            try await eventually("the value again", within: .seconds(5)) {
                FileManager.default.fileExists(atPath: scratch.state + "/" + file)
            }
            _ = try await running.end(by: Signals.terminate)

            let trial = try await Program.run(
                "try", scratch.plugins + "/placed.so", "--cycles", "2", "--state", scratch.path + "/tried", in: scratch)
            #expect(trial.end == .exited(0), "\(trial.errors)")
            #expect(FileManager.default.fileExists(atPath: scratch.path + "/tried/" + file))
        }

        @Test func `anywhere else only where the sandbox lets the plugin write`() async throws {
            let scratch = try Scratch()
            let elsewhere = scratch.path + "/elsewhere"
            let placed = try await Self.scratch("placed-elsewhere", path: elsewhere + "/deep")
            try placed.write("{ sandbox: { write: [\"\(elsewhere)\"] } }", to: "placed.json5")
            let early = try Host(in: placed)
            try await early.line("\(elsewhere) (sandbox.write) is not there, and gives nothing: create it")
            _ = try await early.end(by: Signals.terminate)
            try placed.write("{}", to: "placed.json5")
            try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
            let refused = try Host(in: placed)
            try await refused.line("its path")
            _ = try await refused.end(by: Signals.terminate)
            #expect(
                refused.log.contains("its path \(elsewhere)/deep cannot be used: ")
                    && refused.log.contains("allow it: sandbox: { write: [\"\(elsewhere)/deep\"] }"), "\(refused.log)")
            try placed.write("{ sandbox: { write: [\"\(elsewhere)\"] } }", to: "placed.json5")
            let allowed = try Host("--max-cycles", "1", "--exit-when-idle", in: placed)
            #expect(try await allowed.ended() == .exited(0), "\(allowed.log)")
            let file = elsewhere + "/deep/placed/poll/prices.shc"
            #expect(FileManager.default.fileExists(atPath: file))
            let list = try await Program.run("cache", "list", "--json", "--state", placed.state, in: placed)
            #expect(list.output.contains("\"file\" : \"\(file)\""), "\(list.output)")
        }
    }
}

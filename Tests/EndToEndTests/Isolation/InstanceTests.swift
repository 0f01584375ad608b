import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// One plugin that runs many times at once.
    @Suite struct Instances {
        /// Keeps its name in a cache on disk, says it, and crashes in its third cycle where it is told to.
        private static let account = Source.plugin(
            "account", waitMs: 20,
            more: """
                static const schedhost_parameter name = {
                    SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING, .name = "name",
                    .default_value = "nobody"};
                static const schedhost_parameter crashes = {
                    SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_BOOL, .name = "crashes",
                    .default_value = "false"};
                static const schedhost_parameter *const parameters[] = {&name, &crashes, NULL};
                static int32_t fetch(const schedhost_scheduler *self, const void *key, size_t size,
                                     schedhost_writer *writer, void *user) {
                    (void)key, (void)size, (void)user;
                    const char *text = schedhost_param_string(self, "name", "");
                    return schedhost_write(writer, text, strlen(text));
                }
                """,
            body: """
                schedhost_cache *cache = schedhost_cache_disk(scheduler, "own", 3600000, fetch, NULL);
                schedhost_cache_value value;
                if (schedhost_cache_get(scheduler, cache, 0, 0, &value) != SCHEDHOST_OK) { return 1; }
                if (schedhost_cycle(scheduler) == 0) {
                    schedhost_info(scheduler, "%s is %.*s", schedhost_where(scheduler)->plugin, (int)value.size,
                                   (const char *)value.data);
                }
                if (schedhost_cycle(scheduler) == 2 && schedhost_param_bool(scheduler, "crashes", 0)) { *(volatile int *)0 = 1; }
                """
        ).replacing(".routines = routines}", with: ".routines = routines, .parameters = parameters}")

        private func scratch(_ instances: String, more: String = "") async throws -> Scratch {
            try await Fixtures.build("account", c: Self.account)
            let scratch = try Scratch()
            try scratch.add("account")
            try scratch.write("{ \(more)instances: { \(instances) } }", to: "account.json5")
            return scratch
        }

        private func run(_ words: String..., in scratch: Scratch) async throws -> String {
            let command = try Command([try Program.path] + words + ["--state", scratch.state], in: scratch)
            _ = try await command.ended()
            return command.output + command.errors
        }

        @Test func `one of twenty crashes, and nineteen do not notice`() async throws {
            let blocks = (0..<20).map { "i\($0): { params: { name: 'n\($0)', crashes: \($0 == 7) } }" }
            let scratch = try await scratch(blocks.joined(separator: ", "))
            let host = try Host(in: scratch)
            for index in 0..<20 { _ = try await host.line("account@i\(index)/run", "account@i\(index) is n\(index)") }
            #expect(Set(host.workers).count >= 19)
            try await eventually("crashes\n\(host.log)") { try host.records.count { $0.reason.end == .crash } >= 2 }
            #expect(try host.records.allSatisfy { $0.plugin == "account@i7" })
            let status = try await run("status", "account@i3", "--json", in: scratch)
            #expect(status.contains("\"id\":\"account@i3/run\"") && !status.contains("account@i4/run"), "\(status)")
            #expect(try await run("cache", "get", "account@i5/run", "own", in: scratch) == "n5")
            #expect(
                try await run("cache", "list", "account", in: scratch).split(separator: "\n").count == 21,
                "twenty caches and a head")
            #expect(try await run("cache", "clear", "account@i5", in: scratch).contains("1 value removed"))
            #expect(try await run("stop", "account@i3", in: scratch).contains("account@i3/run"))
            let metrics = try await run("metrics", in: scratch)
            #expect(metrics.contains("plugin=\"account@i4\""), "\(metrics.prefix(2000))")
            _ = try await host.end(by: Signals.terminate)
            let ends = try host.records.filter { $0.plugin != "account@i7" }
            #expect(ends.count == 19 && Set(ends.map(\.plugin)).count == 19)
            #expect(ends.allSatisfy { $0.reason.end == .stopped && $0.cycles > 2 && $0.failures == 0 }, "\(ends)")
            let records = try await run("records", "--plugin", "account@i3", "--format", "json", in: scratch)
            #expect(records.contains("account@i3") && !records.contains("account@i4"), "\(records)")
            #expect(try await run("records", "--plugin", "account", in: scratch).contains("account@i4/run"))
        }

        @Test func `instances have workers of their own where plugins share one`() async throws {
            let scratch = try await scratch("a: { }, b: { }", more: "isolation: 'shared', params: { name: 'x' }, ")
            let host = try Host(in: scratch)
            for name in ["a", "b"] { _ = try await host.line("account@\(name)/run", "account@\(name) is x") }
            #expect(Set(host.workers).count == 2, "\(host.log)")
            _ = try await host.end(by: Signals.terminate)
            #expect(try Set(host.records.map(\.pid)).count == 2)
        }

        @Test func `instances are added, edited and removed while the others run`() async throws {
            let scratch = try await scratch("a: { params: { name: 'x' } }, b: { params: { name: 'y' } }")
            let host = try Host(in: scratch)
            _ = try await host.line("account@a is x")
            _ = try await host.line("account@b is y")
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch).1
            #expect(list.contains("settings of account@a/run:") && list.contains("account@b/run:"), "\(list)")
            try scratch.write(
                "{ instances: { b: { params: { name: 'y' }, wait_ms: 30 }, c: { params: { name: 'z' } } } }",
                to: "account.json5")
            _ = try await host.line("account@c is z")
            try await eventually("their ends\n\(host.log)") { try host.records.count == 2 }
            #expect(try host.records.map(\.plugin).sorted() == ["account@a", "account@b"])
            #expect(try host.records.map { "\($0.reason.kind.name)" }.sorted() == ["reloaded", "removed"])
            try await eventually("the new b\n\(host.log)") { host.lines("account@b is y").count == 2 }
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.map(\.plugin).sorted() == ["account@a", "account@b", "account@b", "account@c"])
        }
    }
}

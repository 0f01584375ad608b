import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Caches that the routines of a plugin share, with real plugins in C; those in Swift are the guide's.
    @Suite struct PluginCaches {
        /// Two routines that ask a cache which `load` has opened; its source takes 300 ms and has a number.
        private static let text = """
            #include <schedhost/plugin.h>
            #include <stdatomic.h>
            static schedhost_cache *disk, *memory;
            static atomic_int loads;
            static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                 schedhost_writer *writer, void *user) {
                char text[32];
                (void)key, (void)size, (void)user;
                schedhost_sleep_ms(scheduler, 300);
                return schedhost_write(writer, text, (size_t)snprintf(text, sizeof text, "number %d", ++loads));
            }
            static int32_t load(const schedhost_scheduler *scheduler, void *user) {
                schedhost_cache_options options = {
                    SCHEDHOST_SIZED(schedhost_cache_options), .flags = SCHEDHOST_CACHE_PLUGIN, .expire_ms = INT64_MAX,
                    .source = fetch};
                int32_t code = scheduler->host->cache(scheduler, "prices", &options, &disk);
                (void)user;
                return code != 0 ? code : scheduler->host->cache_memory(scheduler, "quick", &options, &memory);
            }
            static int32_t ask(const schedhost_scheduler *scheduler, void *user) {
                schedhost_cache *const caches[] = {disk, memory};
                (void)user;
                for (int index = 0; index < 2; index++) {
                    schedhost_cache_value value;
                    int32_t code = schedhost_cache_get(scheduler, caches[index], 0, 0, &value);
                    if (code != 0) { return code; }
                    schedhost_info(scheduler, "got %.*s", (int)value.size, (const char *)value.data);
                }
                return SCHEDHOST_OK;
            }
            static const schedhost_routine buy = {SCHEDHOST_SIZED(schedhost_routine), .name = "buy", .wait_ms = 50, .run = ask};
            static const schedhost_routine sell = {SCHEDHOST_SIZED(schedhost_routine), .name = "sell", .wait_ms = 50, .run = ask};
            static const schedhost_routine *const routines[] = {&buy, &sell, NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "pair", .version = "1.0.0", .routines = routines, .load = load};
            SCHEDHOST_PLUGIN_NEEDS(&plugin, 1u)
            """

        private static func scratch() async throws -> Scratch {
            try await Fixtures.build("pair", c: text)
            let scratch = try Scratch()
            try scratch.add("pair")
            return scratch
        }

        @Test func `one routine loads for both, and records, commands and the next host know the cache`() async throws {
            let scratch = try await Self.scratch()
            let first = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await first.ended() == .exited(0), "\(first.log)")
            let records = try first.records
            #expect(records.count == 2 && records.allSatisfy { $0.failures == 0 })
            func total(_ name: String, _ records: ArraySlice<SessionRecord>) -> Int64 {
                records.reduce(0) { if case .int(let count)? = $1.stats[name] { $0 + count } else { $0 } }
            }
            #expect(total("cache.prices.loads", records[...]) == 1 && total("cache.quick.loads", records[...]) == 1)
            #expect(first.lines("got number 1").count == 6 && first.lines("got number 2").count == 6, "\(first.log)")

            let list = try await Program.run("cache", "list", "pair", "--state", scratch.state, in: scratch)
            #expect(list.output.split(separator: "\n").last?.hasPrefix("pair prices ") == true, "\(list.output)")
            let get = try await Program.run("cache", "get", "pair", "prices", "--state", scratch.state, in: scratch)
            #expect(get.output == "number 1")
            let json = try await Program.run("cache", "list", "--json", "--state", scratch.state, in: scratch)
            #expect(json.output.contains("\"file\" : \"cache/v1/pair/%/prices.shc\""), "\(json.output)")

            // The next host reads it from disk; what a person clears, the workers of a running host load anew.
            let second = try Host(in: scratch)
            try await second.line("pair/buy", "got number 1")
            let clear = try await Program.run("cache", "clear", "pair", "prices", "--state", scratch.state, in: scratch)
            #expect(clear.end == .exited(0) && clear.errors.contains("1 value removed"), "\(clear.errors)")
            try await second.line("pair/buy", "got number 2")
            try await second.line("pair/sell", "got number 2")
            _ = try await second.end(by: Signals.terminate)
        }

        @Test func `with a process for each routine they share what is on disk, in their sandboxes too`() async throws {
            let scratch = try await Self.scratch()
            try scratch.write("{ isolation: \"routine\" }", to: "pair.json5")
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let records = try host.records
            #expect(records.count == 2 && records.allSatisfy { $0.failures == 0 }, "\(host.log)")
            #expect(records.allSatisfy { $0.stats["cache.quick.loads"] == .int(1) })
            #expect(records.filter { $0.stats["cache.prices.loads"] == .int(1) }.count == 1, "\(host.log)")
        }
    }
}

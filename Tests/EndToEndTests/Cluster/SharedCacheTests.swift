import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Caches that three hosts share: one of them loads a value for all, whatever happens to it.
    @Suite struct SharedCaches {
        /// Four routines with eight keys each, whose values say when they were made. A line for each load when it begins and
        /// when it ends, and one for each value: how old it seemed, and how old it was before and after it was asked for.
        private static func source(_ log: String, expireMs: Int, loadMs: Int) -> String {
            """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <schedhost/plugin.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <time.h>
            #include <unistd.h>
            static int file = -1;
            static long long now(void) {
                struct timespec time;
                (void)clock_gettime(CLOCK_BOOTTIME, &time);
                return time.tv_sec * 1000000000LL + time.tv_nsec;
            }
            static int32_t load(const schedhost_scheduler *scheduler, const void *key, size_t size, schedhost_writer *writer,
                                void *user) {
                char text[32];
                const char *routine = schedhost_where(scheduler)->routine;
                (void)user, (void)size;
                dprintf(file, "begin %d %s/%c %lld\\n", (int)getppid(), routine, *(const char *)key, now());
                usleep(\(loadMs * 1000));
                dprintf(file, "end %d %s/%c %lld\\n", (int)getppid(), routine, *(const char *)key, now());
                return schedhost_write(writer, text, (size_t)snprintf(text, sizeof text, "%lld", now()));
            }
            static int32_t run(const schedhost_scheduler *scheduler, void *user) {
                schedhost_cache_options options = {SCHEDHOST_SIZED(schedhost_cache_options), .flags = SCHEDHOST_CACHE_SHARED,
                    .expire_ms = \(expireMs), .source = load};
                schedhost_cache *cache = NULL;
                (void)user;
                if (file < 0) { file = open("\(log)", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600); }
                int32_t code = scheduler->host->cache(scheduler, "values", &options, &cache);
                for (char key = 'a'; code == SCHEDHOST_OK && key < 'i'; key++) {
                    schedhost_cache_request request = {SCHEDHOST_SIZED(schedhost_cache_request), .key = &key, .key_size = 1};
                    schedhost_cache_value value = {SCHEDHOST_SIZED(schedhost_cache_value)};
                    char text[32] = "";
                    long long before = now();
                    code = scheduler->host->cache_get(scheduler, cache, &request, &value);
                    if (code == SCHEDHOST_OK) {
                        memcpy(text, value.data, value.size < 31 ? value.size : 31);
                        long long made = strtoll(text, NULL, 10);
                        dprintf(file, "got %d %lld %lld %lld %lld\\n", (int)getppid(), made, before - made,
                                (long long)(value.age_seconds * 1e9), now() - made);
                    }
                }
                return code;
            }
            #define ROUTINE(name_) {SCHEDHOST_SIZED(schedhost_routine), .name = name_, .wait_ms = 30, .run = run}
            static const schedhost_routine all[] = {ROUTINE("r1"), ROUTINE("r2"), ROUTINE("r3"), ROUTINE("r4")};
            static const schedhost_routine *const routines[] = {&all[0], &all[1], &all[2], &all[3], NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "sharer", .version = "1.0.0", .routines = routines};
            SCHEDHOST_PLUGIN_NEEDS(&plugin, 1)
            """
        }

        private struct Load {
            let host: Int32
            let name: String
            let began: Int64
            var ended: Int64?
        }

        private static func loads(_ log: String) -> [Load] {
            var loads: [Load] = []
            for line in Scratch.text(log).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 4, let host = Int32(words[1]), let time = Int64(words[3]) else { continue }
                if words[0] == "begin" {
                    loads.append(Load(host: host, name: String(words[2]), began: time))
                } else if let index = loads.lastIndex(where: { $0.host == host && $0.name == words[2] }) {
                    loads[index].ended = time
                }
            }
            return loads
        }

        /// Starts hosts that share one store, or one for leases and one for caches.
        private func hosts(
            _ count: Int, _ store: ClusterStore, caches: ClusterStore? = nil, _ fixture: String, log: String,
            more: String = ""
        ) throws -> [Host] {
            try (0..<count).map { _ in
                let scratch = try Scratch()
                try scratch.add(fixture)
                var plugins = ""
                for one in [store, caches].compactMap({ $0 }) {
                    try one.add(to: scratch)
                    plugins +=
                        "'\(one.settings.id)': { params: { \(one.settings.params) }, sandbox: { \(one.sandbox) } }, "
                }
                let id = store.settings.id
                try scratch.write(
                    """
                    { cluster: { store: '\(id)', cache_store: '\((caches ?? store).settings.id)', lease_ms: 4000 },
                      plugins: { \(plugins) sharer: {
                        caches: { shared_timeout_ms: 2000 }, sandbox: { write: ['\(URL(filePath: log).deletingLastPathComponent().path)'] } } }
                      \(more) }
                    """, to: "schedhost.json5")
                return try Host(in: scratch)
            }
        }

        /// With all plugins in their sandboxes, the store's too.
        @Test(arguments: ["fake", "redis"])
        func `one host loads a value for all`(engine: String) async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make(engine, in: shared) else { return }
            let log = shared.path + "/log"
            do {
                try await Fixtures.build("sharer-\(engine)", c: Self.source(log, expireMs: 2000, loadMs: 20))
                let hosts = try hosts(3, store, "sharer-\(engine)", log: log)
                try await eventually("loads of all values, several times\n\(hosts.map(\.log))", within: .seconds(40)) {
                    Self.loads(log).count >= 4 * 8 * 3
                }
                for host in hosts { _ = try await host.end(by: SIGTERM) }
                try check(log, hosts)
            } catch {
                try? await store.end(in: shared)
                throw error
            }
            try await store.end(in: shared)
        }

        private func check(_ log: String, _ hosts: [Host]) throws {
            let loads = Dictionary(grouping: Self.loads(log)) { $0.name }
            #expect(loads.count == 4 * 8)
            var early: [String] = []
            let first = loads.values.joined().map(\.began).min() ?? 0
            for (name, loads) in loads {
                for (one, next) in zip(loads, loads.dropFirst()) {
                    // Nobody loads while somebody does, and nobody before the value has expired.
                    if next.began < (one.ended ?? 0) + 1_800_000_000 {
                        let times = [one.began, one.ended ?? 0, next.began].map { ($0 - first) / 1_000_000 }
                        early.append("\(name): \(one.host) \(times[0])-\(times[1]) ms, \(next.host) \(times[2]) ms")
                    }
                }
            }
            let all = loads.values.reduce(0) { $0 + $1.count }
            print("\(all) loads of \(loads.count) values by \(hosts.count) hosts, \(early.count) of them superfluous")
            #expect(early.isEmpty, "\(hosts.map { "\($0.pid): \($0.log)" })")
            // A value says when its source was about to end; its host sees that end a moment later, also when that moment is
            // long since others have the processor. So a value must not seem younger elsewhere than on the host that made it.
            var ages: [Int64: [(host: Int32, young: Int64, old: Int64)]] = [:]
            for line in Scratch.text(log).split(separator: "\n") where line.hasPrefix("got ") {
                let numbers = line.split(separator: " ").dropFirst().compactMap { Int64($0) }
                guard numbers.count == 5 else { continue }
                ages[numbers[1], default: []].append(
                    (Int32(numbers[0]), numbers[2] - numbers[3], numbers[3] - numbers[4]))
            }
            let makers = loads.values.joined().reduce(into: [Int64: Int32]()) { makers, load in
                if let ended = load.ended, let made = ages.keys.filter({ $0 >= ended }).min() {
                    makers[made] = load.host
                }
            }
            var (count, young, old) = (0, Int64.min, Int64.min)
            for (made, all) in ages {
                guard let maker = makers[made] else { continue }
                let own = all.filter { $0.host == maker }.map(\.young).max() ?? 0
                for other in all where other.host != maker {
                    count += 1
                    young = max(young, other.young - max(0, own))
                    old = max(old, other.old)
                }
            }
            print(
                "\(count) ages on other hosts: younger than true by \(young / 1000) us at most, older by \(old / 1000) us"
            )
            #expect(count > 1000)
            #expect(young < 1_000_000)
            #expect(old < 500_000_000)
            #expect(Set(loads.values.joined().map(\.host)).count > 1, "one host loads all")
            let records = hosts.flatMap { Scratch.text($0.scratch.state + "/sessions.jsonl").split(separator: "\n") }
            #expect(records.contains { $0.contains("cache.values.shared_hits") })
            #expect(records.contains { $0.contains("cache.values.shared_waits") })
        }

        @Test func `a host that loads and dies is followed by another one`() async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make("fake", in: shared) else { return }
            let log = shared.path + "/log"
            try await Fixtures.build("sharer-dies", c: Self.source(log, expireMs: 600_000, loadMs: 3000))
            let hosts = try hosts(2, store, "sharer-dies", log: log)
            let first = try await eventually("a load\n\(hosts.map(\.log))", within: .seconds(15)) {
                Self.loads(log).first
            }
            let loader = try #require(hosts.first { $0.pid == first.host })
            let worker = try await loader.worker(of: "sharer-dies.so")
            let start = SystemClock().monotonic()
            Processes.kill(worker, SIGKILL)
            // The worker's end alone gives its loads free, long before they would be taken for dead.
            _ = try await eventually("the same load again\n\(hosts.map(\.log))", within: .seconds(8)) {
                let loads = Self.loads(log).filter { $0.name == first.name }
                return loads.count > 1 ? loads.last : nil
            }
            print("taken over within \((SystemClock().monotonic() - start) / 1_000_000) ms")
            for host in hosts { host.command.signal(SIGKILL) }
        }

        @Test func `without the store each host loads for itself, and with it again one for all`() async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make("fake", in: shared) else { return }
            let log = shared.path + "/log"
            try await Fixtures.build("sharer-away", c: Self.source(log, expireMs: 1000, loadMs: 1))
            let hosts = try hosts(2, store, "sharer-away", log: log)
            try await eventually("loads\n\(hosts.map(\.log))", within: .seconds(15)) { Self.loads(log).count >= 32 }
            try await store.stop(in: shared)
            let before = Self.loads(log).count
            try await eventually("loads on both hosts\n\(hosts.map(\.log))", within: .seconds(30)) {
                Set(Self.loads(log).dropFirst(before).map(\.host)).count == 2
            }
            try await store.goOn(in: shared)
            let metrics = try await Program.run("metrics", "--state", hosts[0].scratch.state, in: shared)
            #expect(metrics.output.contains("schedhost_cache_shared_failures_total{"), "\(metrics.output)")
            for host in hosts { _ = try await host.end(by: SIGTERM) }
            let records = hosts.flatMap { Scratch.text($0.scratch.state + "/sessions.jsonl").split(separator: "\n") }
            #expect(records.contains { $0.contains("cache.values.store_failures") })
        }

        @Test(arguments: ["fake", "redis", "etcd"])
        func `a host that dies while it loads is followed by another one`(engine: String) async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make(engine, in: shared) else { return }
            let log = shared.path + "/log"
            do {
                try await Fixtures.build("sharer-\(engine)-gone", c: Self.source(log, expireMs: 600_000, loadMs: 3000))
                let hosts = try hosts(2, store, "sharer-\(engine)-gone", log: log)
                let first = try await eventually("a load\n\(hosts.map(\.log))", within: .seconds(15)) {
                    Self.loads(log).first
                }
                let loader = try #require(hosts.first { $0.pid == first.host })
                let start = SystemClock().monotonic()
                // All at one moment, as a machine that loses its power. Killed one after the other, the store's worker may still
                // hear that the other one has ended, and give its loads free.
                for signal in [SIGSTOP, SIGKILL] {
                    for pid in [loader.pid] + loader.workers { Processes.kill(pid, signal) }
                }
                // Nobody is left to give it free: no sign of life for 10 s does.
                let next = try await eventually("the same load again\n\(hosts.map(\.log))", within: .seconds(20)) {
                    let loads = Self.loads(log).filter { $0.name == first.name }
                    return loads.count > 1 ? loads.last : nil
                }
                let time = (SystemClock().monotonic() - start) / 1_000_000
                print("\(engine): a load of a dead host is begun again after \(time) ms")
                #expect(next.host != loader.pid && (6000...14_000).contains(time), "\(time) ms")
                for host in hosts { host.command.signal(SIGKILL) }
            } catch {
                try? await store.end(in: shared)
                throw error
            }
            try await store.end(in: shared)
        }

        @Test func `values are in a store of their own, whose end is none of leases`() async throws {
            let shared = try Scratch()
            guard let leases = try await ClusterStore.make("fake", in: shared),
                let caches = try await ClusterStore.make("redis", in: shared)
            else { return }
            let log = shared.path + "/log"
            do {
                try await Fixtures.build("sharer-apart", c: Self.source(log, expireMs: 1000, loadMs: 1))
                let hosts = try hosts(2, leases, caches: caches, "sharer-apart", log: log)
                try await eventually("loads\n\(hosts.map(\.log))", within: .seconds(20)) {
                    Self.loads(log).count >= 32 * 2
                }
                let found = try await Command.shell(
                    "redis-cli -s '\(shared.path)/redis/socket' --scan | sed -n 's,.*schedhost/schedhost/,,p' | cut -d/ -f1 | sort | uniq -c",
                    in: shared)
                #expect(found.contains("cache") && !found.contains("host"), "\(found)")
                try await caches.stop(in: shared)
                let before = Self.loads(log).count
                try await eventually("loads on both hosts\n\(hosts.map(\.log))", within: .seconds(30)) {
                    Set(Self.loads(log).dropFirst(before).map(\.host)).count == 2
                }
                for host in hosts {
                    let seen = try await Program.run("cluster", "--state", host.scratch.state, in: shared)
                    #expect(seen.output.contains("this host is a member"), "\(seen)")
                }
                try await caches.goOn(in: shared)
                for host in hosts { _ = try await host.end(by: SIGTERM) }
            } catch {
                try? await caches.end(in: shared)
                throw error
            }
            try await caches.end(in: shared)
        }

        @Test(arguments: ["fake", "redis"])
        func `clear removes values from the store, and a plugin puts no more there than it may`(engine: String)
            async throws
        {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make(engine, in: shared) else { return }
            let log = shared.path + "/log"
            do {
                try await Fixtures.build("sharer-\(engine)-clear", c: Self.source(log, expireMs: 600_000, loadMs: 1))
                let fixture = "sharer-\(engine)-clear"
                let first = try #require(try hosts(1, store, fixture, log: log).first)
                try await eventually("loads\n\(first.log)", within: .seconds(20)) { Self.loads(log).count == 32 }
                try await Task.sleep(for: .milliseconds(300))
                let cleared = try await Program.run(
                    "cache", "clear", "sharer/r1", "values", "--key", "a", "--json", "--state", first.scratch.state,
                    in: shared)
                #expect(cleared.end == .exited(0) && cleared.output == "{\"removed\":1,\"shared\":1}\n", "\(cleared)")
                try await eventually("that value again\n\(first.log)") { Self.loads(log).count == 33 }
                _ = try await first.end(by: SIGTERM)

                // The next host has all from the store, but what was cleared there.
                let second = try #require(try hosts(1, store, fixture, log: log).first)
                _ = try await second.sessions(4)
                try await Task.sleep(for: .milliseconds(500))
                #expect(Self.loads(log).count == 33, "\(second.log)")
                let all = try await Program.run("cache", "clear", "--all", "--state", second.scratch.state, in: shared)
                #expect(all.errors.contains("32 values removed from the cluster's store"), "\(all)")
                try await eventually("all values again\n\(second.log)") { Self.loads(log).count == 33 + 32 }
                _ = try await second.end(by: SIGTERM)

                // A host that may have few values there keeps the others.
                let narrow = try #require(
                    try hosts(1, store, fixture, log: log, more: ", caches: { shared_keys: 5 }").first)
                let clear = try await awaitedClear(on: narrow, in: shared)
                #expect(clear, "\(narrow.log)")
                try await narrow.line("shared caches: sharer has 5 values with", within: .seconds(15))
                #expect(narrow.lines("caches.shared_keys").count == 1)
                _ = try await narrow.end(by: SIGTERM)
            } catch {
                try? await store.end(in: shared)
                throw error
            }
            try await store.end(in: shared)
        }

        /// Clears all when the host has joined.
        private func awaitedClear(on host: Host, in shared: Scratch) async throws -> Bool {
            _ = try await host.sessions(4)
            for _ in 0..<100 {
                let run = try await Program.run("cache", "clear", "--all", "--state", host.scratch.state, in: shared)
                if run.end == .exited(0), run.errors.contains("from the cluster's store") { return true }
                try await Task.sleep(for: .milliseconds(100))
            }
            return false
        }

        /// A routine whose `stop` takes its time, and then asks for a value. With a line for each load.
        private static func lateAsker(_ log: String) -> String {
            """
            #include <fcntl.h>
            #include <schedhost/plugin.h>
            #include <unistd.h>
            static int32_t load(const schedhost_scheduler *scheduler, const void *key, size_t size, schedhost_writer *writer,
                                void *user) {
                int file = open("\(log)", O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
                (void)scheduler, (void)user;
                dprintf(file, "%.*s\\n", (int)size, (const char *)key);
                close(file);
                return schedhost_write(writer, "v", 1);
            }
            static int32_t ask(const schedhost_scheduler *scheduler, const char *key) {
                schedhost_cache_options options = {SCHEDHOST_SIZED(schedhost_cache_options), .flags = SCHEDHOST_CACHE_SHARED,
                    .expire_ms = 600000, .source = load};
                schedhost_cache *cache = NULL;
                schedhost_cache_value value = {SCHEDHOST_SIZED(schedhost_cache_value)};
                int32_t code = scheduler->host->cache_memory(scheduler, "late", &options, &cache);
                return code == SCHEDHOST_OK ? schedhost_cache_get_key(scheduler, cache, key, 0, 0, &value) : code;
            }
            static int32_t run(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                return ask(scheduler, "early");
            }
            static void stop(const schedhost_scheduler *scheduler, void *user) {
                (void)user;
                usleep(500000);
                (void)ask(scheduler, "late");
            }
            static const schedhost_routine routine = {
                SCHEDHOST_SIZED(schedhost_routine), .name = "r", .wait_ms = 30, .run = run, .stop = stop};
            static const schedhost_routine *const routines[] = {&routine, NULL};
            static const schedhost_plugin plugin = {
                SCHEDHOST_SIZED(schedhost_plugin), .id = "sharer", .version = "1.0.0", .routines = routines};
            SCHEDHOST_PLUGIN_NEEDS(&plugin, 1)
            """
        }

        @Test(arguments: [false, true])
        func `a host that stops shares until its last session has ended`(apart: Bool) async throws {
            let shared = try Scratch()
            guard let leases = try await ClusterStore.make("fake", in: shared) else { return }
            let caches = apart ? try await ClusterStore.make("redis", in: shared) : nil
            if apart, caches == nil { return }
            let log = shared.path + "/log"
            do {
                try await Fixtures.build("sharer-late", c: Self.lateAsker(log))
                for _ in 0..<2 {
                    let host = try #require(try hosts(1, leases, caches: caches, "sharer-late", log: log).first)
                    _ = try await host.sessions(1)
                    try await eventually("a load\n\(host.log)") { Scratch.text(log).contains("early") }
                    try await Task.sleep(for: .milliseconds(300))
                    let took = try await host.end(by: SIGTERM)
                    #expect(took < .seconds(2), "\(host.log)")
                    let record = Scratch.text(host.scratch.state + "/sessions.jsonl")
                    #expect(!record.contains("store_failures"), "\(record)")
                }
                #expect(Scratch.text(log) == "early\nlate\n")
            } catch {
                try? await caches?.end(in: shared)
                throw error
            }
            try await caches?.end(in: shared)
        }

        @Test func `nothing is asked where sharing is off`() async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make("fake", in: shared) else { return }
            let log = shared.path + "/log"
            try await Fixtures.build("sharer-off", c: Self.source(log, expireMs: 600_000, loadMs: 1))
            let hosts = try hosts(2, store, "sharer-off", log: log, more: ", caches: { shared: 'off' }")
            try await eventually("loads\n\(hosts.map(\.log))", within: .seconds(15)) { Self.loads(log).count == 64 }
            #expect(Set(Self.loads(log).map(\.host)).count == 2)
            for host in hosts { _ = try await host.end(by: SIGTERM) }
        }
    }
}

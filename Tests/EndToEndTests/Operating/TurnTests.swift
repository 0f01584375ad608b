import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Cycles of which only so many run at once.
    @Suite struct Turns {
        /// Says when its cycles, of 30 ms, begin and end.
        private static func slow(_ name: String) -> String {
            Source.plugin(
                name, waitMs: 40,
                body: """
                    struct timespec now;
                    clock_gettime(CLOCK_BOOTTIME, &now);
                    usleep(30000);
                    struct timespec end;
                    clock_gettime(CLOCK_BOOTTIME, &end);
                    schedhost_info(scheduler, "ran %lld to %lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                                   (long long)end.tv_sec * 1000000 + end.tv_nsec / 1000);
                    """)
        }

        /// The most cycles that ran at once, and how many of each plugin there were.
        private func overlap(_ host: Host, of prefix: String) -> (most: Int, counts: [String: Int]) {
            var events: [(time: Int, change: Int)] = []
            var counts: [String: Int] = [:]
            for line in host.log.split(separator: "\n") {
                guard let found = line.firstMatch(of: #/(slow\w)(?:@\w+)?/run.*ran (\d+) to (\d+)/#) else { continue }
                guard found.1.hasPrefix(prefix), let start = Int(found.2), let end = Int(found.3) else { continue }
                counts[String(found.1), default: 0] += 1
                events += [(start, 1), (end, -1)]
            }
            var (now, most) = (0, 0)
            for event in events.sorted(by: { ($0.time, $0.change) < ($1.time, $1.change) }) {
                now += event.change
                most = max(most, now)
            }
            return (most, counts)
        }

        private func scratch() async throws -> Scratch {
            for name in ["slowa", "slowb"] { try await Fixtures.build(name, c: Self.slow(name)) }
            let scratch = try Scratch()
            for name in ["slowa", "slowb"] {
                try scratch.add(name)
                try scratch.write("{ instances: { a: {}, b: {}, c: {} } }", to: name + ".json5")
            }
            return scratch
        }

        @Test func `no more than two at once in the host, and all get their turn`() async throws {
            let scratch = try await scratch()
            try scratch.write("{ max_running: 2 }", to: "schedhost.json5")
            let host = try Host("--max-cycles", "6", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let (most, counts) = overlap(host, of: "slow")
            #expect(most == 2 && counts == ["slowa": 18, "slowb": 18])
            #expect(try host.records.allSatisfy { $0.reason.end == .maxCycles && $0.cycles == 6 })
            #expect(try host.records.contains { $0.missed > 0 }, "who waits is late")
        }

        @Test func `one at once of a group, whichever plugins it is of, and the others go on`() async throws {
            let scratch = try await scratch()
            try scratch.write("{ group: 'heavy', instances: { a: {}, b: {} } }", to: "slowa.json5")
            let host = try Host("--max-cycles", "6", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(overlap(host, of: "slowa").most == 1 && overlap(host, of: "slowb").most >= 2)
            #expect(overlap(host, of: "slow").counts == ["slowa": 12, "slowb": 18])
        }

        /// The place of a worker that dies in its cycle is free again, and one that waits can be stopped.
        @Test func `a crash gives its place up`() async throws {
            try await Fixtures.build(
                "slowc", c: Source.plugin("slowc", waitMs: 10, body: "usleep(20000); *(volatile int *)0 = 1;"))
            let scratch = try await scratch()
            try scratch.add("slowc")
            try scratch.write("{ max_running: 1 }", to: "schedhost.json5")
            let host = try Host(in: scratch)
            try await eventually("both\n\(host.log)") {
                try host.records.count { $0.plugin == "slowc" } >= 2
                    && overlap(host, of: "slow").counts.values.allSatisfy { $0 >= 9 }
            }
            #expect(try await host.end(by: Signals.terminate) < .seconds(5))
            #expect(overlap(host, of: "slow").most == 1)
            #expect(try host.records.filter { $0.plugin != "slowc" }.allSatisfy { $0.reason.end == .stopped })
        }
    }
}

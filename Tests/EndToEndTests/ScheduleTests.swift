import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Routines that run by a schedule of their configuration.
    @Suite struct Schedules {
        private struct Routine: Decodable {
            let id: String
            let state: String
            let cycle: Int
            let wait_ms: Int
            let next_start_ms: Int64?
            let next_local: String?
            let schedules: [String]?
            let zone: String?
        }
        private struct Status: Decodable { let routines: [Routine] }

        private func scratch(_ configuration: String) async throws -> Scratch {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write(configuration, to: "healthy.json5")
            return scratch
        }

        /// What the last host has left.
        private func remember(_ schedule: String, lastRunMs: Int64, in scratch: Scratch) throws {
            try FileManager.default.createDirectory(
                atPath: scratch.state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let note = #"{"schedule":"\#(schedule)\n","firstSeenMs":1,"lastRunMs":\#(lastRunMs)}"#
            try Data(#"{"version":1,"routines":{"healthy/beat":\#(note)}}"#.utf8)
                .write(to: URL(filePath: scratch.state + "/schedules.json"))
        }

        private func routine(in scratch: Scratch, where isIt: (Routine) -> Bool) async throws -> Routine {
            for _ in 0..<200 {
                let (end, output, _) = try await Program.run(
                    "status", "--json", "--state", scratch.state, in: scratch)
                if end == .exited(0),
                    let status = try? JSONDecoder().decode(Status.self, from: Data(output.utf8)),
                    let routine = status.routines.first(where: { $0.id == "healthy/beat" }), isIt(routine)
                {
                    return routine
                }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw Unmet(description: "healthy/beat is not as it should be")
        }

        /// A routine of which the session waits for its next time.
        private func waiting(in scratch: Scratch) async throws -> Routine {
            try await routine(in: scratch) { $0.state == "waiting" && $0.next_local != nil }
        }

        @Test func `a routine runs by its schedule, and status says when in the zone that is meant`() async throws {
            let scratch = try await scratch("{ schedule: '*:*:* Asia/Tokyo' }")
            let host = try Host(in: scratch)
            let found = try await routine(in: scratch) { $0.cycle >= 2 && $0.next_local != nil }
            #expect(found.schedules == ["*:*:* Asia/Tokyo"] && found.zone == "Asia/Tokyo" && found.wait_ms == 0)
            #expect((found.next_start_ms ?? 1) % 1000 == 0 && found.next_local?.hasSuffix("+09:00") == true)
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.last.map { $0.cycles >= 2 } == true)
        }

        /// A worker whose sessions go by the wall clock is woken when that is set. timerfd_create(2), proc_pid_fdinfo(5)
        @Test(arguments: [
            ("{ schedule: '2199-01-01' }", true), ("{ wait_ms: 3600000, align: true }", true),
            ("{ until: '2199-01-01T00:00:00Z' }", true), ("{ wait_ms: 100 }", false),
        ])
        func `the clock is watched where sessions go by it`(configuration: String, isWatched: Bool) async throws {
            let scratch = try await scratch(configuration)
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            func timers() -> [String] {
                host.workers.flatMap { worker in
                    let folder = "/proc/\(worker)/fdinfo"
                    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                    return names.compactMap { try? String(contentsOfFile: folder + "/" + $0, encoding: .utf8) }
                }.filter { $0.contains("clockid: 0") && $0.contains("settime flags: 03") }
            }
            try await eventually("a timer") { !timers().isEmpty }
            if isWatched {
                try await eventually("one that is armed") { timers().allSatisfy { !$0.contains("it_value: (0, 0)") } }
            } else {
                #expect(timers().allSatisfy { $0.contains("it_value: (0, 0)") })
            }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `status and list show a time of day`() async throws {
            let scratch = try await scratch("{ schedule: ['Mon 09:30', '2199-01-01'], zone: 'Asia/Kathmandu' }")
            let host = try Host(in: scratch)
            let found = try await waiting(in: scratch)
            #expect(found.next_local?.contains("T09:30:00+05:45") == true && found.zone == "Asia/Kathmandu")
            let (_, table, _) = try await Program.run("status", "--state", scratch.state, in: scratch)
            #expect(table.contains(#/ (Mon|\d{4}-\d\d-\d\d) 09:30 /#), "\(table)")
            _ = try await host.end(by: Signals.terminate)
            let (_, list, _) = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.matches(of: #/Mon \d{4}-\d\d-\d\dT09:30:00\+05:45 /#).count == 3, "\(list)")
        }

        @Test func `a plugin brings a schedule of its own, and the configuration's word wins`() async throws {
            try await Fixtures.build(
                "ownhours",
                c: Source.plugin(
                    "ownhours", waitMs: 0, fields: #", .schedule = "*:*:* Asia/Tokyo""#,
                    body: #"schedhost_info(scheduler, "for %" PRId64, schedhost_due_ms(scheduler) % 1000);"#))
            let scratch = try Scratch()
            try scratch.add("ownhours")
            let (_, list, _) = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.contains("ownhours/run: by \"*:*:* Asia/Tokyo\"") && list.contains("(plugin)"), "\(list)")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("ownhours/run", "for 0").count == 2, "\(host.log)")
            try scratch.write("{ wait_ms: 10 }", to: "ownhours.json5")
            let other = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await other.ended() == .exited(0) && other.lines("for 0").count == 3, "\(other.log)")
            let (_, after, _) = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(!after.contains("        schedule "), "\(after)")
        }

        @Test func `a mistake in a schedule is told with its place`() async throws {
            let scratch = try await scratch("{\n    schedule: '0 30 9 * * 1-5',\n}")
            let (end, output, errors) = try await Program.run(
                "check", "--quick", scratch.plugins + "/healthy.json5", in: scratch)
            #expect(end != .exited(0))
            #expect(
                (output + errors).contains(
                    "healthy.json5:2:15: schedule: '0 30 9 * * 1-5' at 1: cron programs read six"))
        }

        @Test(arguments: [Signals.terminate, Signals.kill])
        func `a missed night is caught up once, however the host ends`(signal: Int32) async throws {
            let scratch = try await scratch("{ schedule: 'daily UTC' }")
            try remember("daily UTC", lastRunMs: 1_700_000_000_000, in: scratch)
            let first = try Host(in: scratch)
            _ = try await routine(in: scratch) { $0.cycle == 1 && $0.next_local != nil }
            _ = try await first.end(by: signal, expecting: signal == Signals.kill ? .signaled(signal) : .exited(0))
            for _ in 0..<2 {
                let next = try Host(in: scratch)
                #expect(try await waiting(in: scratch).cycle == 0)
                _ = try await next.end(by: Signals.terminate)
            }
            #expect(try first.records.map(\.cycles) == [1, 0, 0])
        }

        @Test(arguments: ["{ schedule: '00:00 UTC' }", "{ schedule: 'daily UTC', catch_up: 'none' }"])
        func `neither an edited schedule nor one that wants none is caught up`(configuration: String) async throws {
            let scratch = try await scratch(configuration)
            try remember("daily UTC", lastRunMs: 1_700_000_000_000, in: scratch)
            let host = try Host(in: scratch)
            #expect(try await waiting(in: scratch).cycle == 0)
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `a due routine does not run again at each restart`() async throws {
            let scratch = try await scratch("{ wait_ms: 86400000, first: 'due' }")
            for cycles in [1] + [UInt64](repeating: 0, count: 19) {
                let host = try Host(in: scratch)
                _ = try await routine(in: scratch) { $0.cycle == Int(cycles) && $0.state == "waiting" }
                _ = try await host.end(by: Signals.terminate)
                #expect(try host.records.last?.cycles == cycles)
            }
        }
    }
}

import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What goes wrong in a cluster and needs no real server to be tried. `Tests/Fleet` has the rest.
    @Suite struct ClusterFailures {
        /// A host of a cluster whose store is that folder, with these plugins beside it.
        private func host(_ store: ClusterStore, _ plugins: String, _ fixtures: String...) throws -> Host {
            let scratch = try Scratch()
            try store.add(to: scratch)
            for fixture in fixtures { try scratch.add(fixture) }
            let (id, params) = store.settings
            try scratch.write(
                """
                { cluster: { store: '\(id)', lease_ms: 2000 }, sandbox: 'off',
                  restart: { first_delay_ms: 10, same_cause_failures: 2, probe_after_ms: [] },
                  plugins: { '\(id)': { params: { \(params) } }, \(plugins) } }
                """, to: "schedhost.json5")
            return try Host(in: scratch)
        }

        @Test func `a store that is away at the start is awaited, and what needs no lease runs`() async throws {
            let shared = try Scratch()
            let store = try #require(try await ClusterStore.make("fake", in: shared))
            guard case .fake(let folder) = store else { return }
            try Data("down\n".utf8).write(to: URL(filePath: folder + "/faults"))
            try await Fixtures.build("alone", c: Source.plugin("alone", waitMs: 20, body: ""))
            try await Fixtures.build("everywhere", c: Source.plugin("everywhere", waitMs: 20, body: ""))
            let host = try host(store, "alone: { run_on: 'one' }", "alone", "everywhere")
            try await host.line("cluster: the store is not connected: ")
            let running = try await host.sessions(1)
            #expect(running.first.map { $0.state != .ended } == true)
            let why = try await Program.run("why", "alone", "--state", host.scratch.state, in: shared)
            #expect(
                why.output.contains("alone/run (standby): ") && why.output.contains("the store is not connected"),
                "\(why.output)")
            #expect(host.lines("alone/run", "held by this host").isEmpty)
            try await store.goOn(in: shared)
            try await host.line("alone/run", "held by this host from now on", within: .seconds(9))
            _ = try await host.sessions(2)
        }

        @Test func `a routine that is quarantined on one host goes to another one`() async throws {
            let shared = try Scratch()
            let store = try #require(try await ClusterStore.make("fake", in: shared))
            try await Fixtures.build(
                "fragile",
                c: Source.plugin(
                    "fragile", waitMs: 20, more: "#include <stdlib.h>\n",
                    body: "if (schedhost_param_int(scheduler, \"bad\", 0) != 0) { abort(); }"))
            let bad = try host(store, "fragile: { run_on: 'one', params: { bad: 1 } }", "fragile")
            try await bad.line("fragile/run", "held by this host from now on", within: .seconds(9))
            let good = try host(store, "fragile: { run_on: 'one' }", "fragile")
            try await bad.line("fragile/run", "its sessions end on this host: it is quarantined on this host")
            try await good.line("fragile/run", "held by this host from now on", within: .seconds(9))
            _ = try await good.sessions(1)
            // It does not go back.
            try await Task.sleep(for: .milliseconds(500))
            #expect(bad.lines("fragile/run", "held by this host from now on").count == 1)
        }
    }
}

import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// A routine in parts on three hosts, which are spread, moved and given back.
    @Suite struct Shards {
        /// What `cluster --json` says of hosts.
        private struct Seen: Decodable {
            struct Host: Decodable {
                let id: String
                let own: Bool
            }
            let hosts: [Host]
        }

        private func id(of host: Host, in shared: Scratch) async throws -> String {
            let seen = try await Program.run("cluster", "--json", "--state", host.scratch.state, in: shared)
            let hosts = try JSONDecoder().decode(Seen.self, from: Data(seen.output.utf8)).hosts
            return try #require(hosts.first { $0.own }).id
        }

        @Test func `parts of a routine are spread over the hosts, moved, and given back by a drained one`() async throws
        {
            let shared = try Scratch()
            let store = try #require(try await ClusterStore.make("fake", in: shared))
            let cluster = try await ClusterHosts(
                "fake-shards", in: shared, store, settings: "run_on: 'shards', shards: 6")
            let parts = Set(0..<6)
            try await eventually("all parts run, on more than one host", within: .seconds(20)) {
                let holders = cluster.holders
                return Set(holders.keys) == parts && Set(holders.values).count > 1
            }

            // One part goes to the host that a person names.
            let holder = try #require(cluster.hosts.first { $0.pid == cluster.holders[0] })
            let heir = try #require(cluster.hosts.first { $0 !== holder })
            let moved = try await Program.run(
                "cluster", "move", "exclusive/run#0", "--to", id(of: heir, in: shared), "--state", holder.scratch.state,
                in: shared)
            #expect(moved.end == .exited(0) && moved.output.contains("it goes to host"), "\(moved)")
            try await eventually("the part has moved", within: .seconds(3)) { cluster.holders[0] == heir.pid }
            let status = try await Program.run("status", "--state", heir.scratch.state, in: shared)
            #expect((0..<6).allSatisfy { status.output.contains("run#\($0)") }, "\(status.output)")

            // A host is drained: when the command ends, it has nothing.
            let drained = holder
            let answer = try await Program.run("cluster", "drain", "--state", drained.scratch.state, in: shared)
            #expect(answer.end == .exited(0), "\(answer)")
            let time = SystemClock().boot().nanoseconds / 1_000_000
            try await eventually("all parts run elsewhere", within: .seconds(6)) {
                let holders = cluster.holders
                return Set(holders.keys) == parts && !holders.values.contains(drained.pid)
            }
            #expect(!cluster.cycles.contains { $0.host == drained.pid && $0.ms > time })
            let records = try await Program.run(
                "records", "--routine", "run", "--state", drained.scratch.state, in: shared)
            #expect(
                records.output.contains("handed_over") && records.output.contains("exclusive/run#"), "\(records.output)"
            )

            // It takes part again.
            let again = try await Program.run("cluster", "undrain", "--state", drained.scratch.state, in: shared)
            #expect(again.end == .exited(0), "\(again)")
            try await eventually("it has parts again", within: .seconds(20)) {
                cluster.holders.values.contains(drained.pid)
            }
            let cycles = cluster.cycles
            #expect(cycles.allSatisfy { $0.isAlone }, "two at once")
            for part in parts {
                let tokens = cycles.filter { $0.shard == part }.map(\.token)
                #expect(zip(tokens, tokens.dropFirst()).allSatisfy { $0 <= $1 }, "tokens of part \(part) go back")
            }
        }

        @Test func `a host is drained also after its next start`() async throws {
            let shared = try Scratch()
            let store = try #require(try await ClusterStore.make("fake", in: shared))
            let cluster = try await ClusterHosts("fake-drained", in: shared, store)
            let holder = try await cluster.progress(within: .seconds(10))
            let answer = try await Program.run("cluster", "drain", "--state", holder.scratch.state, in: shared)
            #expect(answer.end == .exited(0), "\(answer)")
            _ = try await cluster.progress(not: holder, within: .seconds(4))
            _ = try await holder.end(by: SIGTERM)
            let next = try Host(in: holder.scratch)
            try await next.line("this host is drained, and takes no lease until: schedhost cluster undrain")
            try await next.line("cluster", "store")
            var seen = ""
            for _ in 0..<50 where !seen.contains("(drained)") {
                seen = try await Program.run("cluster", "--state", next.scratch.state, in: shared).output
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(seen.contains("it is drained") && seen.contains("(drained)"), "\(seen)")
        }
    }
}

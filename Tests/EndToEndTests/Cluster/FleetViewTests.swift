import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What people see on one host of all three: who is there and who was, who holds what, and what has run where.
    @Suite struct FleetViews {
        /// What `status --fleet --json` says.
        private struct Seen: Decodable {
            struct Host: Decodable {
                let id: String
                let own: Bool
                let state: String
                let running: Int
            }
            struct Claim: Decodable {
                let id: String
                let holder: String?
                let token: UInt64
                let left_ms: Int64?
            }
            let trouble: String?
            let age_ms: Int64?
            let epoch: UInt64?
            let hosts: [Host]
            let claims: [Claim]
        }

        private struct Record: Decodable {
            struct Reason: Decodable {
                let kind: String
            }
            let host_id: String?
            let lease_token: UInt64?
            let reason: Reason
            let session: String
        }

        /// Waits until a command shows something.
        private func awaited<Value>(
            _ what: @autoclosure () -> String, within limit: Duration, _ condition: () async throws -> Value?
        ) async throws -> Value {
            let deadline = ContinuousClock.now + limit
            while true {
                if let value = try await condition() { return value }
                if ContinuousClock.now > deadline { throw Unmet(description: "not within \(limit): \(what())") }
                try await Task.sleep(for: .milliseconds(50))
            }
        }

        private func awaited(_ what: String, within limit: Duration, _ condition: () async throws -> Bool) async throws
        {
            let _: Bool = try await awaited(what, within: limit) { try await condition() ? true : nil }
        }

        private func seen(on host: Host, in shared: Scratch) async throws -> Seen {
            let run = try await Program.run("status", "--fleet", "--json", "--state", host.scratch.state, in: shared)
            #expect(run.end == .exited(0), "\(run)")
            return try JSONDecoder().decode(Seen.self, from: Data(run.output.utf8))
        }

        private func records(on host: Host, in shared: Scratch) async throws -> [Record] {
            let run = try await Program.run("records", "--fleet", "--json", "--state", host.scratch.state, in: shared)
            #expect(run.end == .exited(0), "\(run)")
            return try JSONDecoder().decode([Record].self, from: Data(run.output.utf8))
        }

        @Test(arguments: ["fake", "redis"])
        func `one host shows what all run, also one that has died, and what it knows without the store`(engine: String)
            async throws
        {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make(engine, in: shared) else { return }
            do {
                try await look(engine, store, in: shared)
            } catch {
                try? await store.end(in: shared)
                throw error
            }
            try await store.end(in: shared)
        }

        private func look(_ engine: String, _ store: ClusterStore, in shared: Scratch) async throws {
            let cluster = try await ClusterHosts("\(engine)-view", in: shared, store)
            let holder = try await cluster.progress(within: .seconds(10))
            let witness = try #require(cluster.hosts.first { $0 !== holder })
            let third = try #require(cluster.hosts.first { $0 !== holder && $0 !== witness })
            let all = try await awaited("three hosts that serve", within: .seconds(5)) {
                let seen = try await seen(on: witness, in: shared)
                return seen.hosts.filter { $0.state == "serving" }.count == 3 ? seen : nil
            }
            #expect(all.trouble == nil && all.epoch == 1 && all.hosts.filter(\.own).count == 1)
            let claim = try #require(all.claims.first)
            #expect(all.claims.count == 1 && claim.id == "exclusive/run" && claim.token > 0)
            #expect((1...2000).contains(claim.left_ms ?? 0), "\(claim)")
            let deadID = try #require(claim.holder)
            let thirdID = try #require(try await seen(on: third, in: shared).hosts.first { $0.own }).id

            // A session of the holder ends; then the host dies, and a third one leaves in order.
            let restarted = try await Program.run(
                "restart", "exclusive/run", "--state", holder.scratch.state, in: shared)
            #expect(restarted.end == .exited(0), "\(restarted)")
            let first = try await awaited("a record of the holder", within: .seconds(5)) {
                try await records(on: witness, in: shared).first { $0.host_id == deadID }
            }
            #expect(first.reason.kind == "stopped" && first.lease_token == claim.token)
            holder.command.signal(SIGKILL)
            #expect(try await third.end(by: SIGTERM) < .seconds(2))
            _ = try await cluster.progress(not: holder, within: .seconds(5))
            // A report comes within a second of a lease that is taken, and then each 10 s.
            var last: Seen?
            let after = try await awaited(
                "a host that is gone, and one that has left: \(String(describing: last))", within: .seconds(14)
            ) {
                let seen = try await seen(on: witness, in: shared)
                last = seen
                let states = Dictionary(uniqueKeysWithValues: seen.hosts.map { ($0.id, $0.state) })
                let own = seen.hosts.first { $0.own }
                return states[deadID] == "gone" && states[thirdID] == "left" && own?.running == 1 ? seen : nil
            }
            #expect(after.hosts.count == 3, "\(after)")
            #expect(try #require(after.claims.first).token > claim.token)
            #expect(try await records(on: witness, in: shared).contains { $0.session == first.session })
            let table = try await Program.run("status", "--fleet", "--state", witness.scratch.state, in: shared)
            #expect(table.output.contains("  gone  ") && table.output.contains(", read "), "\(table)")

            // The dead host comes back: the session that its death has ended is known with its token.
            let back = try Host(in: holder.scratch)
            let recovered = try await awaited("the record of the death", within: .seconds(8)) {
                try await records(on: witness, in: shared).first { $0.reason.kind == "host_died" }
            }
            #expect(recovered.host_id == deadID && recovered.lease_token == claim.token)

            // The store answers nobody: what was read before is shown, soon, and how old it is.
            try await awaited("that host again", within: .seconds(8)) {
                try await seen(on: witness, in: shared).hosts.filter { $0.state == "serving" }.count == 2
            }
            try await store.stop(in: shared)
            try await Task.sleep(for: .seconds(1))
            let start = SystemClock().monotonic()
            let old = try await seen(on: witness, in: shared)
            let time = (SystemClock().monotonic() - start) / 1_000_000
            #expect(time < 4500, "\(time) ms")
            #expect(old.hosts.count == 3 && old.age_ms.map { $0 >= 900 } == true, "\(old)")
            try await awaited("that the store is away", within: .seconds(6)) {
                let run = try await Program.run("records", "--fleet", "--state", witness.scratch.state, in: shared)
                return run.errors.contains("; this was read ") && run.output.contains("host_died")
            }
            try await store.goOn(in: shared)
            try await awaited("the store again", within: .seconds(8)) {
                let seen = try await seen(on: witness, in: shared)
                return seen.trouble == nil && seen.age_ms.map { $0 < 1000 } == true
            }
            _ = try await back.end(by: SIGTERM)
        }

        @Test func `a host in no cluster says so`() async throws {
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("sleeper")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            for command in ["status", "records"] {
                let run = try await Program.run(command, "--fleet", "--state", scratch.state, in: scratch)
                #expect(run.end == .exited(1) && run.errors.contains("this host is in no cluster"), "\(run)")
            }
        }
    }
}

import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// A routine that runs on one of three hosts, whatever happens to them and to their store.
    @Suite struct Clusters {
        @Test(arguments: ["fake", "redis"])
        func `a routine runs on one host at a time, and goes on`(engine: String) async throws {
            let shared = try Scratch()
            guard let store = try await ClusterStore.make(engine, in: shared) else { return }
            do {
                try await rounds(engine, store, in: shared)
            } catch {
                try? await store.end(in: shared)
                throw error
            }
            try await store.end(in: shared)
        }

        private func rounds(_ engine: String, _ store: ClusterStore, in shared: Scratch) async throws {
            let cluster = try await ClusterHosts(engine, in: shared, store)
            var holder = try await cluster.progress(within: .seconds(10))

            let seen = try await Program.run("cluster", "--state", holder.scratch.state, in: shared)
            #expect(seen.end == .exited(0) && seen.output.contains("exclusive/run  "), "\(seen)")
            #expect(seen.output.contains(" (here)") && seen.output.contains(" (this one)"), "\(seen.output)")
            let other = try #require(cluster.hosts.first { $0 !== holder })
            let why = try await Program.run("why", "exclusive", "--state", other.scratch.state, in: shared)
            #expect(why.output.contains("(standby): ") && why.output.contains("held by host "), "\(why.output)")

            // Its worker alone is stopped, while its host renews its leases.
            let worker = try await holder.worker(of: "exclusive-\(engine).so")
            Processes.kill(worker, SIGSTOP)
            try await holder.line("exclusive/run", "ended: lease_lost", within: .seconds(4))
            #expect(holder.log.contains("its worker was stopped for too long"), "\(holder.log)")
            holder = try await cluster.progress(within: .seconds(4))

            // Its host is stopped as a whole, for longer than the others wait.
            let stopped = holder
            let processes = cluster.processes(of: stopped)
            for pid in processes { Processes.kill(pid, SIGSTOP) }
            holder = try await cluster.progress(not: stopped, within: .seconds(5))
            for pid in processes.reversed() { Processes.kill(pid, SIGCONT) }
            try await stopped.line("exclusive/run", "ended: lease_lost")

            // The store answers nobody for longer than a lease: nobody runs it then.
            try await store.stop(in: shared)
            try await holder.line("exclusive/run", "ended: lease_lost", within: .seconds(4))
            let count = cluster.cycles.count
            try await Task.sleep(for: .milliseconds(500))
            #expect(cluster.cycles.count == count, "nobody has a lease")
            try await store.goOn(in: shared)
            holder = try await cluster.progress(within: .seconds(8))

            // Its host dies.
            let dead = holder
            dead.command.signal(SIGKILL)
            holder = try await cluster.progress(not: dead, within: .seconds(5))

            // Its host stops in order, and another one goes on at once.
            let leaving = holder
            let time = try await leaving.end(by: SIGTERM)
            #expect(time < .seconds(2))
            // Sooner than after a lease, which is 2 s; how soon is measured by scripts/bench.
            holder = try await cluster.progress(not: leaving, within: .milliseconds(1900))
            let all = cluster.cycles
            let last = try #require(all.last { $0.host == leaving.pid }).ms
            let next = try #require(all.first { $0.ms > last && $0.host == holder.pid }).ms
            print("\(engine): handed over within \(next - last) ms of the start of the last cycle, which takes 20 ms")
            #expect(
                next - last < 1900,
                "a host that stops hands over at once:\n\(leaving.log.suffix(2000))---\n\(holder.log.suffix(2000))")

            let cycles = cluster.cycles
            #expect(cycles.allSatisfy { $0.isAlone }, "two at once")
            #expect(zip(cycles, cycles.dropFirst()).allSatisfy { $0.token <= $1.token }, "tokens go back")
            #expect(Set(cycles.map(\.token)).count >= 5 && cycles.allSatisfy { $0.token > 0 })
            #expect(holder !== leaving && holder !== dead)
        }

        @Test func `a host without a cluster has nothing of it`() async throws {
            try await Fixtures.build("store")
            let scratch = try Scratch()
            try scratch.add("store")
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            try scratch.add("sleeper")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            let session = try await host.worker(of: "sleeper.so")
            try await eventually("the store is described, and not run\n\(host.log)") { host.workers == [session] }
            let worker = session
            #expect(!Scratch.text("/proc/\(worker)/cmdline").contains("\0leases\0"))
            #expect(!Processes.maps(of: worker).contains("schedhost-lease"))
            #expect(!FileManager.default.fileExists(atPath: scratch.state + "/cluster.json"))
        }

        @Test func `run_on one without a cluster is refused, with what would mend it`() async throws {
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("sleeper")
            try scratch.write("{ run_on: 'one' }", to: "sleeper.json5")
            let host = try Host(in: scratch)
            try await host.line("sleeper.json5:1:11: run_on: is \"one\", and this host is in no cluster")
            #expect(host.lines("cluster: { store: \"redis-store\" }").count == 1)
            #expect(LedgerView.all(in: scratch).isEmpty)
        }

        @Test func `a copied state directory is found out`() async throws {
            let shared = try Scratch()
            let store = try #require(try await ClusterStore.make("fake", in: shared))
            let cluster = try await ClusterHosts("fake-copy", in: shared, store)
            _ = try await cluster.progress(within: .seconds(10))
            let first = cluster.hosts[0]
            let copy = try Scratch()
            try FileManager.default.removeItem(atPath: copy.plugins)
            try FileManager.default.copyItem(atPath: first.scratch.plugins, toPath: copy.plugins)
            try FileManager.default.createDirectory(
                atPath: copy.state, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try FileManager.default.copyItem(
                atPath: first.scratch.state + "/cluster.json", toPath: copy.state + "/cluster.json")
            let second = try Host(in: copy)
            try await second.line("another host has the id of this state directory")
            _ = try await cluster.progress(within: .seconds(4))
            #expect(cluster.cycles.allSatisfy { $0.isAlone && $0.host != second.pid })
        }
    }
}

import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Deaths that nobody asked for.
    @Suite struct Deaths {
        @Test func `of the host: no worker is left after 1 s`() async throws {
            try await Fixtures.build("healthy", "faulty")
            try await Fixtures.build("stuck", c: Source.stuck)
            let scratch = try Scratch()
            for name in ["healthy", "stuck", "faulty"] { try scratch.add(name) }
            let host = try Host(in: scratch)
            _ = try await host.sessions(3)
            let workers = host.workers
            #expect(workers.count == 3)
            _ = try await host.end(by: Signals.kill, expecting: .signaled(Signals.kill))
            try await eventually("the end of the workers \(workers)", within: .seconds(1)) {
                workers.allSatisfy { !Processes.isAlive($0) }
            }
        }

        @Test func `of the host: the next one writes exactly one record a session`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            let sessions = try await host.sessions(2)
            try await eventually("five cycles") { LedgerView.all(in: scratch).contains { $0.cycle >= 5 } }
            _ = try await host.end(by: Signals.kill, expecting: .signaled(Signals.kill))
            #expect(try host.records.isEmpty)

            let next = try Host("--max-cycles", "2", in: scratch)
            try await next.line("2 of its sessions recorded as host_died")
            try await next.line("healthy/beat", "ended: max_cycles")
            _ = try await next.end(by: Signals.interrupt)
            let records = try next.records
            let died = records.filter { $0.reason.end == .hostDied }
            #expect(Set(died.map(\.identifier)) == ["healthy/beat", "sleeper/run"])
            #expect(died.count == 2)
            #expect(Set(died.map(\.session.rawValue)) == Set(sessions.map(\.session)))
            let healthy = try #require(died.first { $0.plugin == "healthy" })
            #expect(healthy.cycles >= 5)
            let later = try #require(records.last { $0.plugin == "healthy" })
            #expect(later.lifetimeCycles == healthy.cycles + later.cycles, "lifetime cycles do not add up")
            #expect(Set(records.map(\.session)).count == records.count, "a session has two records")

            let third = try Host("--max-cycles", "1", in: scratch)
            try await third.line("healthy/beat", "ended: max_cycles")
            _ = try await third.end(by: Signals.interrupt)
            #expect(try third.records.filter { $0.reason.end == .hostDied }.count == 2, "recorded again")
        }

        @Test func `of host and workers at once`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            let workers = host.workers
            for worker in workers { Processes.kill(worker, Signals.stop) }  // it cannot even see its supervisor's end
            host.command.signal(Signals.kill)
            for worker in workers { Processes.kill(worker, Signals.kill) }
            _ = try await host.ended()
            let next = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            _ = try await next.ended()
            #expect(try next.records.map(\.reason.end) == [.hostDied, .maxCycles])
        }

        @Test func `of a worker: the others are not disturbed, and it comes back`() async throws {
            try await Fixtures.build("healthy")
            try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
            try scratch.add("sleeper")
            let canary = try Canary()  // before the first beat: each gap is compared with it
            let host = try Host(in: scratch)
            _ = try await host.sessions(2)
            let victim = try await host.worker(of: "sleeper.so")
            try await beats(20, in: scratch)
            Processes.kill(victim, Signals.kill)
            try await host.line("sleeper/run", "SIGKILL")
            _ = try await host.sessions(2)
            try await beats(Trace.read(scratch).count + 20, in: scratch)
            let noise = canary.longestMs
            _ = try await host.end(by: Signals.interrupt)

            let trace = Trace.read(scratch)
            #expect(trace.map(\.cycle) == Array(0..<UInt64(trace.count)), "a cycle is missing")
            #expect(Trace.longestGapMs(trace) < 50 + noise)
            let records = try host.records
            #expect(records.filter { $0.plugin == "healthy" }.map(\.reason.end) == [.stopped])
            let sleeper = records.filter { $0.plugin == "sleeper" }
            #expect(sleeper.map(\.reason.end) == [.crash, .stopped])
            #expect(sleeper.first?.reason.signal == "SIGKILL")
            #expect(sleeper.first?.pid == victim)
            #expect(Set(records.map(\.session)).count == 3)
        }

        private func beats(_ count: Int, in scratch: Scratch) async throws {
            try await eventually("\(count) beats") { Trace.read(scratch).count >= count }
        }
    }
}

/// What `healthy` writes in its trace.
enum Trace {
    struct Beat {
        let cycle: UInt64
        let timeUs: Int64
    }

    /// Where a plugin of that name may write.
    static func place(_ scratch: Scratch, of plugin: String = "healthy") -> String {
        "\(scratch.state)/data/\(plugin)/trace"
    }

    static func read(_ scratch: Scratch, of plugin: String = "healthy") -> [Beat] {
        Scratch.text(place(scratch, of: plugin)).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let cycle = UInt64(words[0]), let time = Int64(words[1]) else { return nil }
            return Beat(cycle: cycle, timeUs: time)
        }
    }

    /// The longest time between two beats, ms.
    static func longestGapMs(_ beats: [Beat]) -> Double {
        zip(beats, beats.dropFirst()).map { Double($1.timeUs - $0.timeUs) / 1000 }.max() ?? 0
    }
}

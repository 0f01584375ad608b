import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import HostWire
import Testing

extension EndToEnd {
    /// The control socket and the commands that use it.
    @Suite struct Control {
        private func run(_ words: String..., in host: Host) async throws -> (ProcessEnd, String, String) {
            let command = try Command([try Program.path] + words + ["--state", host.scratch.state], in: host.scratch)
            let end = try await command.ended()
            return (end, command.output, command.errors)
        }

        private func status(_ id: String, in host: Host) async throws -> RoutineStatus {
            // An answer is up to 50 ms old, and a host may have begun as long ago.
            try await eventually("a status of \(id)") {
                guard case .status(let status)? = try? Asked(host.scratch, timeout: 5000).ask(ControlRequest(.status))
                else {
                    return nil
                }
                return status.routines.first { $0.identifier == id }
            }
        }

        @Test func `status as a table and as JSON`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            try await eventually("cycles") { LedgerView.all(in: scratch).contains { $0.cycle > 20 } }
            let (end, output, _) = try await run("status", in: host)
            #expect(end == .exited(0))
            for text in [
                "pid \(host.pid)", "2 plugins, 2 routines, 2 workers", "healthy/beat", "sleeper/run", "LATE P99",
            ] {
                #expect(output.contains(text), "\(output)")
            }
            let (_, json, _) = try await run("status", "healthy", "--json", in: host)
            let decoded = try JSONDecoder().decode(StatusFile.self, from: Data(json.utf8))
            #expect(decoded.pid == host.pid && decoded.routines.map(\.id) == ["healthy/beat"])
            #expect(decoded.routines[0].cycles_total > 20 && decoded.routines[0].duration_p99_ns > 0)
            #expect(Set(decoded.workers.map(\.pid)) == Set(host.workers))
            #expect(decoded.workers.allSatisfy { $0.resident_bytes > 1 << 20 })
            let path = scratch.state + "/control.sock"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }

        private struct StatusFile: Decodable {
            struct Routine: Decodable {
                let id: String
                let cycles_total: UInt64
                let duration_p99_ns: Int64
            }
            struct Worker: Decodable {
                let pid: Int32
                let resident_bytes: UInt64
            }
            let pid: Int32
            let routines: [Routine]
            let workers: [Worker]
        }

        @Test func `pause holds cycles and keeps the session, resume lets them go on`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            let before = try await status("healthy/beat", in: host)
            let paused = try await run("pause", "healthy/beat", in: host)
            #expect(paused.0 == .exited(0) && paused.1 == "healthy/beat: paused\n")
            try await Task.sleep(for: .milliseconds(50))
            let first = try await status("healthy/beat", in: host)
            try await Task.sleep(for: .milliseconds(200))
            let second = try await status("healthy/beat", in: host)
            #expect(second.state == .paused && second.cycle == first.cycle && second.session == before.session)
            let now = try await run("run-now", "healthy/beat", in: host)
            #expect(now.0 == .exited(1) && now.2.contains("resume it first"))
            #expect(try await run("resume", "healthy", in: host).0 == .exited(0))
            try await eventually("cycles after resume") {
                LedgerView.all(in: scratch).contains { $0.cycle > second.cycle + 5 }
            }
        }

        @Test func `a pause outlives the host and a replaced file, until resume`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            #expect(try await run("pause", "healthy/beat", in: host).0 == .exited(0))
            _ = try await host.end(by: Signals.interrupt)
            let next = try Host(in: scratch)
            try await next.line("healthy/beat", "still paused")
            _ = try await next.sessions(2)
            try scratch.write("{ wait_ms: 11 }", to: "healthy.json5")
            try await next.line("healthy/beat", "ended: reloaded")
            _ = try await next.sessions(2)
            var paused = try await status("healthy/beat", in: next)
            for _ in 0..<200 where paused.state != .paused || paused.waitMs != 11 {
                paused = try await status("healthy/beat", in: next)
            }
            #expect(paused.state == .paused && paused.cyclesTotal == 0 && paused.waitMs == 11)
            #expect(try await run("resume", "healthy", in: next).0 == .exited(0))
            try await eventually("cycles after resume") { LedgerView.all(in: scratch).contains { $0.cycle > 5 } }
            _ = try await next.end(by: Signals.interrupt)
            let last = try Host(in: scratch)
            try await eventually("cycles in the third host") { LedgerView.all(in: scratch).contains { $0.cycle > 5 } }
            #expect(last.lines("still paused").isEmpty)
        }

        @Test func `a cycle that does not hear of a stop is ended after the grace, and so is one before a restart`()
            async throws
        {
            try await Fixtures.build("stuck", c: Source.stuck)
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("stuck")
            try scratch.add("healthy")
            let host = try Host("--grace", "0.3", in: scratch)
            _ = try await host.sessions(2)
            let first = try await status("stuck/run", in: host)
            #expect(try await run("restart", "stuck", in: host).0 == .exited(0))
            try await host.line("stuck/run", "does not end within 300 ms")
            try await host.line("stuck/run", "ended: stopped", "did not end in time")
            _ = try await host.sessions(2)
            let second = try await status("stuck/run", in: host)
            #expect(second.session != first.session && second.worker != first.worker)
            #expect(try await run("stop", "stuck", in: host).0 == .exited(0))
            try await eventually("two records") { try host.records.count == 2 }
            #expect(try await status("stuck/run", in: host).state == .stopped)
            let reasons = try host.records.map(\.reason)
            #expect(reasons.map(\.end) == [.stopped, .stopped])
            #expect(reasons.allSatisfy { $0.text.hasPrefix("did not end in time") && $0.cycle == 0 }, "\(reasons)")
            #expect(try await status("healthy/beat", in: host).sessionsTotal == 1, "a neighbour was touched")
        }

        @Test func `run-now brings the next cycle`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            try await eventually("its first cycle") { LedgerView.all(in: scratch).filter { $0.cycle > 0 }.count == 2 }
            let before = try await status("sleeper/run", in: host)
            #expect(try await run("run-now", "sleeper/run", in: host).0 == .exited(0))
            try await eventually("another cycle") {
                LedgerView.all(in: scratch).contains {
                    $0.session == before.session?.rawValue && $0.cycle > before.cycle
                }
            }
        }

        @Test func `stop lasts, restart begins anew, and totals do not fall`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            try await eventually("cycles") { LedgerView.all(in: scratch).contains { $0.cycle > 20 } }
            let before = try await status("healthy/beat", in: host)
            #expect(try await run("stop", "healthy", in: host).0 == .exited(0))
            try await host.line("healthy/beat", "ended: stopped")
            let stopped = try await status("healthy/beat", in: host)
            #expect(stopped.state == .stopped && stopped.session == nil)
            #expect(stopped.cyclesTotal >= before.cyclesTotal && stopped.durations.total >= before.durations.total)
            _ = try await host.end(by: Signals.interrupt)

            let next = try Host(in: scratch)
            _ = try await next.sessions(1)
            try await next.line("healthy", "1 routine")  // described, though nothing of it starts
            #expect(try await status("healthy/beat", in: next).state == .stopped, "the stop did not outlive the host")
            let (_, output, _) = try await run("restart", "healthy", "sleeper", "--json", in: next)
            #expect(output.contains("\"ok\":true") && output.contains("healthy/beat") && output.contains("sleeper/run"))
            try await next.line("sleeper/run", "ended: stopped")
            _ = try await next.sessions(2)
            let again = try await status("sleeper/run", in: next)
            #expect(again.sessionsTotal == 2 && again.restarts == 1)
        }

        @Test func `an unknown id is an error that says what was meant, and nothing is done`() async throws {
            let host = try await Host.healthyAndSleeping()
            let (end, output, errors) = try await run("stop", "healthy/beat", "sleper", in: host)
            #expect(end == .exited(1) && output.isEmpty && errors.contains("did you mean sleeper?"), "\(errors)")
            #expect(try await status("healthy/beat", in: host).session != nil)
        }

        @Test(arguments: ["status", "metrics", "reload", "log-level"])
        func `without a host it is 69, with the mend`(word: String) async throws {
            let scratch = try Scratch()
            for state in [scratch.path, scratch.path + "/absent"] {
                let command = try Command([try Program.path, word, "--state", state], in: scratch)
                #expect(try await command.ended() == .exited(69))
                #expect(command.errors.contains("schedhost --plugins DIR"), "\(command.errors)")
            }
        }

        @Test func `a host that closes the connection without an answer is told as that`() async throws {
            let scratch = try Scratch()
            let listener = try UnixSocket.listen(try Directory.make(scratch.state), name: "control.sock")
            let status = try Command([try Program.path, "status", "--state", scratch.state], in: scratch)
            try await eventually("a client that has asked") {
                guard let client = try listener.accept() else { return false }
                while try client.receive(atMost: 4096) == nil {}  // its request, so that it reads an end and no reset
                return true
            }
            #expect(try await status.ended() == .exited(1))
            #expect(status.errors.contains("has closed the connection"), "\(status.errors)")
        }

        @Test func `log-level reaches the host and its workers`() async throws {
            let host = try await Host.healthyAndSleeping()
            #expect(try await run("log-level", in: host).1 == "info\n")
            #expect(try await run("log-level", "trace", in: host).1 == "trace\n")
            #expect(try await run("log-level", in: host).1 == "trace\n")
            #expect(try await run("log-level", "loud", in: host).0 == .exited(64))
        }

        @Test func `reload takes up what is new`() async throws {
            try await Fixtures.build("busy", c: Source.busy)
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            try scratch.add("busy")
            #expect(try await run("reload", in: host).0 == .exited(0))
            _ = try await host.sessions(3)
        }

        @Test func `status costs the workers no system call`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            let sleeper = try #require(try await status("sleeper/run", in: host).worker)
            try await eventually("its first cycle") { LedgerView.all(in: scratch).filter { $0.cycle > 0 }.count == 2 }
            try await Task.sleep(for: .milliseconds(100))
            func wakes() throws -> Int { try #require(Processes.number("voluntary_ctxt_switches", of: sleeper)) }
            let before = try wakes()
            for _ in 0..<50 { _ = try await status("sleeper/run", in: host) }
            #expect(try wakes() == before)
        }

        @Test(.enabled(if: Tools.has("python3"), "python3 is not installed"))
        func `clients that ask without end get little of the processor, and others their answers`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            let ask = """
                import select,socket,time
                def client():
                    s=socket.socket(socket.AF_UNIX); s.connect('\(scratch.state)/control.sock'); s.sendall(ask); return s
                ask=b'{"v":1,"request":"status"}\\n'
                clients=[client() for _ in range(40)]
                print('begun',flush=True)
                end=time.time()+60
                while time.time()<end:
                    for s in select.select(clients,[],[],1)[0]:
                        if s.recv(65536)[-1:]==b'\\n': s.sendall(ask)
                """
            let crowd = try Command(["/usr/bin/env", "python3", "-c", ask], in: scratch)
            try await eventually("the crowd\n\(crowd.errors)") { crowd.output.contains("begun") }
            func ticks() -> Int {
                let fields = Scratch.text("/proc/\(host.pid)/stat").split(separator: ")").last?.split(separator: " ")
                return fields.map { (Int($0[11]) ?? 0) + (Int($0[12]) ?? 0) } ?? 0
            }
            try await Task.sleep(for: .seconds(1))
            let before = ticks()
            let start = ContinuousClock.now
            for _ in 0..<3 { #expect(try await run("status", in: host).0 == .exited(0)) }
            let took = ContinuousClock.now - start
            #expect(took < .seconds(10), "three answers took \(took)")
            try await Task.sleep(for: .seconds(2) - min(took, .seconds(2)))
            // 0.5 % is allowed, a tick is 10 ms, and what was under way at the beginning counts too.
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            #expect(Double(ticks() - before) < 5 + seconds * 5, "ticks in \(seconds) s")
            #expect(crowd.errors.isEmpty)
        }

        @Test func `100 clients, half of which do not read, and malformed and endless requests`() async throws {
            let host = try await Host.healthyAndSleeping()
            let scratch = host.scratch
            var silent: [Asked] = []
            for number in 0..<100 {
                let client = try Asked(scratch)
                if number % 2 == 0 {
                    // Asks until the socket takes no more, and never reads.
                    try? client.send(Array(repeating: ControlRequest(.status).line(), count: 2000).flatMap { $0 })
                } else {
                    let junk: [[UInt8]] = [
                        Array("{\n".utf8), [0, 1, 2, 10], Array(repeating: 0x5B, count: 60_000) + [10],
                        Array("\n\n\n".utf8),
                    ]
                    try? client.send(junk[number / 2 % junk.count])
                }
                silent.append(client)
            }
            let large = try Asked(scratch)
            let megabyte = [UInt8](repeating: 0x20, count: 1 << 20)
            var sent = 0
            for _ in 0..<100 {
                do { try large.send(megabyte) } catch { break }
                sent += 1
            }
            #expect(sent < 100, "100 MB were read")
            for _ in 0..<20 {
                let start = ContinuousClock.now
                _ = try await status("healthy/beat", in: host)
                #expect(ContinuousClock.now - start < .seconds(5), "one who asks once waits for the crowd")
            }
            #expect((Processes.number("VmRSS", of: host.pid) ?? .max) < 150_000, "kB")
            #expect(silent.count == 100)
            _ = try await host.end(by: Signals.interrupt)
            #expect(Set(try host.records.map(\.reason.end)) == [.stopped])
        }
    }
}

/// A client of the control socket.
final class Asked {
    private let socket: Descriptor

    init(_ scratch: Scratch, timeout: Int32 = 200) throws {
        Signals.ignoreBrokenPipes()
        socket = try UnixSocket.connect(try Directory(scratch.state), name: "control.sock", timeout: timeout)
    }

    /// Sends bytes, as far as they are taken within the time.
    func send(_ bytes: [UInt8]) throws { try socket.writeAll(bytes, subject: "client") }

    /// Asks, and reads the answer; nil when there is none.
    func ask(_ request: ControlRequest) throws -> ControlResponse? {
        try send(request.line())
        var line: [UInt8] = []
        while line.last != 10 {
            let bytes = try socket.read(atMost: 65_536, subject: "client")
            if bytes.isEmpty { return nil }
            line += bytes
        }
        return ControlResponse(line: Array(line.dropLast()))
    }
}

import FoundationEssentials
import HostCommandLine
import HostPolicy
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// `--json` of every command that shows something.
    @Suite struct JSON {
        private struct Metric: Decodable {
            struct Sample: Decodable {
                let name: String
                let labels: [String: String]
                let value: Double
            }
            let name: String
            let type: String
            let help: String
            let samples: [Sample]
        }

        private struct Routine: Decodable { let id: String }
        private struct Status: Decodable { let routines: [Routine] }
        private struct Report: Decodable {
            let made_ms: Int64
            let status: Status?
            let records: [[String: JSONAny]]
            let reports: [String: String]
        }
        private struct Listed: Decodable {
            let file: String
            let good: Bool
            let refused: String?
            let plugin: String?
            let routines: [Routine]?
            let faults: [String]
        }
        private struct Version: Decodable { let version: String }
        /// Any value.
        private struct JSONAny: Decodable {
            init(from decoder: any Decoder) throws {}
        }

        private func host() async throws -> Host {
            try await Fixtures.build("healthy", "faulty")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.add("faulty")
            try scratch.write("{ params: { misdeed: 'segv', at: 5, once: true } }", to: "faulty.json5")
            let host = try Host(in: scratch)
            try await host.line("faulty/misbehave", "SIGSEGV")
            try await eventually("the record") { try host.records.contains { $0.report != nil } }
            _ = try await host.sessions(2)
            return host
        }

        private func decoded<Value: Decodable>(
            _ type: Value.Type, of words: String..., in host: Host, status: ProcessEnd = .exited(0)
        ) async throws -> Value {
            let command = try Command([try Program.path] + words, in: host.scratch)
            #expect(try await command.ended() == status, "\(words): \(command.errors)")
            return try JSONDecoder().decode(type, from: Data(command.output.utf8))
        }

        @Test func `what a host shows`() async throws {
            let host = try await host()
            let state = host.scratch.state
            let metrics = try await decoded([Metric].self, of: "metrics", "--json", "--state", state, in: host)
            let text = try await Program.run("metrics", "--state", state, in: host.scratch).output
            let heads = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
            #expect(metrics.map { "# TYPE \($0.name) \($0.type)" } == heads.map { String($0) })
            let cycles = try #require(metrics.first { $0.name == "schedhost_routine_cycles_total" })
            #expect(cycles.samples.contains { $0.labels == ["plugin": "healthy", "routine": "beat"] && $0.value > 0 })
            let count = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.count
            #expect(metrics.reduce(0) { $0 + $1.samples.count } == count)

            let top = try await decoded(
                Status.self, of: "top", "--json", "--sort", "p99", "--state", state, in: host)
            #expect(Set(top.routines.map(\.id)) == ["healthy/beat", "faulty/misbehave"])
            let many = try await Command.shell(
                "'\(try Program.path)' top --json --interval 0.1 --state '\(state)' | head -n 3", in: host.scratch)
            #expect(many.split(separator: "\n").count == 3)
            for line in many.split(separator: "\n") {
                #expect(try JSONDecoder().decode(Status.self, from: Data(line.utf8)).routines.count == 2)
            }

            let report = try await decoded(
                Report.self, of: "report", "--json", "--output", "-", "--state", state, in: host)
            #expect(report.status?.routines.count == 2 && !report.records.isEmpty && report.reports.count == 1)
            #expect(report.made_ms > 1_700_000_000_000)
        }

        @Test func `what needs no host`() async throws {
            let host = try await host()
            let scratch = host.scratch
            try scratch.write("no plugin", to: "junk.so")
            let listed = try await decoded(
                [Listed].self, of: "list", "--json", "--plugins", scratch.plugins, in: host, status: .exited(1))
            #expect(listed.map(\.good) == [true, true, false])
            #expect(listed.first?.routines?.map(\.id) == ["faulty/misbehave"])
            #expect(listed.last?.refused?.contains("ELF") == true)
            let checked = try await decoded(
                [Listed].self, of: "check", "--json", "--quick", scratch.plugins + "/healthy.so",
                scratch.plugins + "/junk.so", in: host, status: .exited(1))
            #expect(checked.map(\.plugin) == ["healthy", nil] && checked.map(\.good) == [true, false])
            #expect(try await decoded(Version.self, of: "version", "--json", in: host).version == HostVersion.text)

            let state = scratch.state
            let record = try #require(try host.records.first { $0.report != nil })
            let records = try await decoded(
                [[String: JSONAny]].self, of: "records", "--json", "--failed", "--state", state, in: host)
            #expect(records.count == 1 && records[0].keys.contains("session"))
            let shown = try await decoded(
                [String: JSONAny].self, of: "records", "--json", "--show", "\(record.session)", "--state", state,
                in: host)
            #expect(shown.keys.contains("report_text"))
            #expect(
                try await decoded([JSONAny].self, of: "cache", "list", "--json", "--state", state, in: host).isEmpty)
            let twice = try await Program.run(
                "records", "--json", "--format", "csv", "--state", state, in: scratch)
            #expect(twice.end == .exited(64) && twice.errors.contains("are given both"))
        }
    }
}

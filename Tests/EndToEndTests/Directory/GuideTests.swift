import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// The samples of the guide for authors and of the first page, as they stand there.
    @Suite struct Guide {
        struct Sample: Sendable, CustomTestStringConvertible {
            let language: String
            let id: String
            let text: String
            var testDescription: String { id }
        }

        /// The plugins. Tests of plugins and the recipes are in Tests/PluginTestingTests too, which compares the two.
        static let samples = samples(in: "/Sources/PluginAPI/README.md").filter {
            $0.language == "c" || $0.text.contains("import PluginAPI\n")
        }
        /// The whole plugins of the first page: what else is there are parts.
        static let whole = samples(in: "/README.md").filter {
            $0.text.contains("SCHEDHOST_PLUGIN(") || $0.text.contains("@c(")
        }

        private static func samples(in page: String) -> [Sample] {
            let guide = Scratch.text(Fixtures.root + page)
            var samples: [Sample] = []
            for (index, part) in guide.split(separator: "```", omittingEmptySubsequences: false).enumerated()
            where index % 2 == 1 {
                guard let end = part.firstIndex(of: "\n") else { continue }
                let text = String(part[part.index(after: end)...])
                let id = text.firstMatch(of: #/(?:\.id = |Plugin\()"([a-z-]+)"/#)?.1 ?? ""
                samples.append(Sample(language: String(part[..<end]), id: String(id), text: text))
            }
            return samples
        }

        @Test func `there are samples of each chapter in both languages`() {
            #expect(Self.samples.filter { $0.language == "c" }.count == 9)
            #expect(Self.samples.filter { $0.language == "swift" }.count == 10)
            #expect(Set(Self.samples.map(\.id)).count == 19)
            #expect(Self.whole.map(\.id) == ["hello", "hello-swift"])
        }

        @Test(arguments: samples + whole)
        func `each sample runs`(sample: Sample) async throws {
            let scratch = try Scratch()
            try Data(sample.text.utf8).write(to: URL(filePath: "\(scratch.path)/sample.\(sample.language)"))
            let include = Fixtures.root + "/Sources/PluginAPI/C/include"
            let compiler =
                sample.language == "c"
                ? "cc -std=c11 -Wall -Wextra -Wno-missing-field-initializers -Werror -shared -fPIC sample.c"
                : "swiftc -emit-library -parse-as-library sample.swift -I '\(try Program.folder)/Modules' "
                    + "-L '\(try Program.folder)' -lPluginAPI"
            _ = try await Command.shell(
                "cd '\(scratch.path)' && \(compiler) -I '\(include)' -o plugins/sample.so", in: scratch)
            if sample.id == "interrupt-c" { return try await interrupted(in: scratch) }
            // One of the routines of this one has a schedule.
            if sample.id == "market" {
                try scratch.write("{ routines: { report: { enabled: false } } }", to: "market.json5")
            }
            let host = try Host("--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            let records = try host.records
            let count = sample.id.hasPrefix("shared") ? 2 : 1
            #expect(records.map(\.plugin) == Array(repeating: sample.id, count: count))
            #expect(records.allSatisfy { $0.reason.end == .maxCycles && $0.cycles == 3 })
            #expect(records.allSatisfy { $0.failures == (sample.id.hasPrefix("life") ? 1 : 0) })
        }

        /// The sample whose cycle waits in a library: it ends when it is interrupted, well before the grace is over.
        private func interrupted(in scratch: Scratch) async throws {
            let host = try Host("--grace", "600", in: scratch)
            try await host.line("waiting")
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.map(\.reason.end) == [.stopped])
        }
    }
}

import FoundationEssentials
import HostCore
import HostSystem
import Testing

extension EndToEnd {
    /// What a disk cache gives after its worker or its host has ended.
    @Suite struct CacheRestarts {
        @Test(
            "a value comes back with its true age, whoever died",
            arguments: [Signals.interrupt, Signals.kill])
        func restart(_ signal: Int32) async throws {
            let scratch = try await CacheTest.scratch("value", text: "first", count: 1)
            let host = try Host(in: scratch)
            let made = CacheTest.value(try await host.line("value state=2"))
            let start = SystemClock().boot()
            #expect(made["text"] == "first" && made["generation"] == "1")
            _ = try await host.end(by: signal, expecting: signal == Signals.kill ? .signaled(signal) : .exited(0))

            // Its source would make another text now.
            try CacheTest.configure(scratch, "value", text: "second")
            let next = try Host("--exit-when-idle", in: scratch)
            let found = CacheTest.value(try await next.line("value state="))
            let age = Double(SystemClock().boot() - start) / 1e6
            #expect(found["state"] == "1" && found["text"] == "first" && found["generation"] == "1")
            let told = try #require(found["age_ms"].flatMap { Double($0) })
            #expect(told <= age + 100 && told >= age - 1000, "\(told) of at most \(age)")
            try await next.ended()
        }

        @Test func `a damaged file is set aside, counted, listed and loaded anew`() async throws {
            let scratch = try await CacheTest.scratch("value", text: "first")
            try await Host("--exit-when-idle", in: scratch).ended()
            let file = scratch.state + "/cache/v1/cachetest/try/v.shc"
            var bytes = try #require(FileManager.default.contents(atPath: file))
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: URL(filePath: file))
            let list = try await Program.run("cache", "list", "--state", scratch.state, in: scratch)
            #expect(list.output.contains("corrupt: its payload does not match its checksum"))
            let get = try await Program.run("cache", "get", "cachetest/try", "v", "--state", scratch.state, in: scratch)
            #expect(get.end == .exited(1) && get.output.isEmpty && get.errors.contains("does not match its checksum"))

            let host = try Host("--exit-when-idle", in: scratch)
            try await host.ended()
            let found = CacheTest.value(try #require(host.lines("value state=").first))
            #expect(found["state"] == "2" && found["corrupt"] == "1")
            try await host.line("a damaged file was set aside as v.shc.corrupt")
            let after = try await Program.run("cache", "list", "--state", scratch.state, in: scratch)
            #expect(after.output.contains("corrupt: corrupt, set aside") && after.output.contains("good"))
            let clear = try await Program.run("cache", "clear", "cachetest", "--state", scratch.state, in: scratch)
            #expect(clear.end == .exited(0) && clear.errors.contains("2 values removed"))
        }

        @Test func `show and list say what a value is`() async throws {
            let scratch = try await CacheTest.scratch("value", text: "some text")
            try await Host("--exit-when-idle", in: scratch).ended()
            let show = try await Program.run(
                "cache", "show", "cachetest/try", "v", "--state", scratch.state, in: scratch)
            for text in ["cachetest/try v", "9 bytes", "generation", "good"] {
                #expect(show.output.contains(text), "\(show.output)")
            }
            let list = try await Program.run(
                "cache", "list", "--format", "json", "--state", scratch.state, in: scratch)
            let rows = try #require(try JSONDecoder().decode([Row].self, from: Data(list.output.utf8)).first)
            #expect(rows == Row(plugin: "cachetest", routine: "try", name: "v", size: 9, generation: 1, loads: 1))
            let get = try await Program.run("cache", "get", "cachetest/try", "v", "--state", scratch.state, in: scratch)
            #expect(get.output == "some text")
        }

        private struct Row: Decodable, Equatable {
            let plugin: String
            let routine: String
            let name: String
            let size: Int
            let generation: UInt64
            let loads: UInt64
        }
    }
}

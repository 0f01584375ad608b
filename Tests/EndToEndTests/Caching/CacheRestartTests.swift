import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What a disk cache gives after its worker or its host has ended.
    @Suite struct CacheRestarts {
        @Test(
            "invariant 5: a value comes back with its true age, whoever died",
            arguments: [Signals.interrupt, Signals.kill])
        func restart(_ signal: Int32) async throws {
            let scratch = try await CacheTest.scratch("value", text: "first", count: 1)
            let host = try Host(in: scratch)
            let made = CacheTest.value(try await host.line("value state=2"))
            #expect(made["text"] == "first" && made["generation"] == "1")
            _ = try await host.end(by: signal, expecting: signal == Signals.kill ? .signaled(signal) : .exited(0))

            // Its source would make another text now.
            try CacheTest.configure(scratch, "value", text: "second")
            let next = try Host("--exit-when-idle", in: scratch)
            let found = CacheTest.value(try await next.line("value state="))
            #expect(found["state"] == "1" && found["text"] == "first" && found["generation"] == "1")
            // When it was made, by the boot clock, as each of the two says.
            let times = [made, found].compactMap { $0["at"].flatMap { Double($0) } }
            try #require(times.count == 2)
            #expect(abs(times[0] - times[1]) <= 10, "\(times)")
            try await next.ended()
        }

        @Test(
            "invariant 5: the age is right to 10 ms after a restart, wherever the clock was set meanwhile",
            arguments: [0, 86_400, -86_400, 4_000_000_000] as [Int64])
        func clockSet(_ seconds: Int64) async throws {
            let scratch = try await CacheTest.scratch("value", text: "first")
            let first = try Host("--exit-when-idle", in: scratch)
            try await first.ended()
            let made = CacheTest.value(try #require(first.lines("value state=2").first))
            // To the file a clock that was set back by a day is a day more in its own wall time.
            let file = scratch.state + "/cache/v1/cachetest/try/v.shc"
            var bytes = try #require(FileManager.default.contents(atPath: file).map { [UInt8]($0) })
            try Self.shiftWallTime(of: &bytes, by: seconds)
            try Data(bytes).write(to: URL(filePath: file))

            let next = try Host("--exit-when-idle", in: scratch)
            try await next.ended()
            let found = CacheTest.value(try #require(next.lines("value state=").first))
            #expect(found["state"] == "1" && found["text"] == "first" && found["corrupt"] == "0", "\(next.log)")
            // When it was made, by the boot clock, as each of the two says.
            let times = [made, found].compactMap { $0["at"].flatMap { Double($0) } }
            try #require(times.count == 2)
            #expect(abs(times[0] - times[1]) <= 10, "\(times)")
            let list = try await Program.run("cache", "list", "--state", scratch.state, in: scratch)
            #expect(list.output.contains("good"), "\(list.output)")
        }

        /// Changes the wall time in a cache file, and makes its checksum right again; `CacheFileHeader` has the layout.
        private static func shiftWallTime(of file: inout [UInt8], by seconds: Int64) throws {
            func number(_ offset: Int, _ size: Int) -> Int64 {
                file[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int64($1) }
            }
            func put(_ number: Int64, _ offset: Int, _ size: Int) {
                for index in 0..<size { file[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * Int64(index))) }
            }
            try #require(file.count > 128)
            // With the zeros behind them, up to a multiple of 16.
            let names = ((0..<5).reduce(0) { $0 + Int(number(92 + 4 * $1, 4)) } + 15) / 16 * 16
            func checksum() -> UInt32 {
                unsafe file.withUnsafeBytes { all in
                    let head = unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[..<124]))
                    return unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: all[128..<128 + names]), after: head)
                }
            }
            try #require(checksum() == UInt32(number(124, 4)))
            put(number(40, 8) + seconds * 1_000_000_000, 40, 8)
            put(Int64(checksum()), 124, 4)
        }

        @Test func `invariant 5: a damaged file is set aside, counted, listed and loaded anew`() async throws {
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
            try await host.line("its file was set aside as v.shc.corrupt")
            let after = try await Program.run("cache", "list", "--state", scratch.state, in: scratch)
            #expect(after.output.contains("corrupt: corrupt, set aside") && after.output.contains("good"))
            let clear = try await Program.run("cache", "clear", "cachetest", "--state", scratch.state, in: scratch)
            #expect(clear.end == .exited(0) && clear.errors.contains("2 values removed"))
        }

        @Test func `a running worker lets go of what is cleared, and tells its caches of one name apart`() async throws
        {
            let scratch = try await CacheTest.scratch("poll")
            let host = try Host(in: scratch)
            for line in ["disk generation=1", "keyed generation=2", "memory generation=1"] {
                try await host.line("poll \(line)")
            }
            // Each time the values that were loaded so far: of the disk cache, with the key, of the memory cache.
            func loaded(_ disk: Int, _ keyed: Int, after arguments: [String]) async throws {
                let clear = try Command(
                    [try Program.path, "cache", "clear"] + arguments + ["--state", scratch.state], in: scratch)
                #expect(try await clear.ended() == .exited(0), "\(clear.errors)")
                try await eventually("\(arguments) loads anew") {
                    host.lines("poll disk").count == disk && host.lines("poll keyed").count == keyed
                }
            }
            try await loaded(1, 2, after: ["cachetest/try", "v", "--key", "k"])
            try await loaded(1, 2, after: ["no-such-plugin"])
            try await loaded(2, 3, after: ["cachetest"])
            try await loaded(3, 4, after: ["--all"])
            _ = try await host.end(by: Signals.terminate)
            let stats = try #require(try host.records.last?.stats)
            #expect(stats["cache.v.disk.loads"] == .int(7) && stats["cache.v.memory.loads"] == .int(1), "\(stats)")
            #expect(host.lines("memory generation=").count == 1)
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

import FoundationEssentials
import Glibc
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// A save that is disturbed, in a real worker on a real file system, by strace(1).
    @Suite(.enabled(if: Machine.hasTracer, "strace(1) is not there")) struct CacheSaves {
        /// What a save calls, and how often at least; strace counts each name by itself.
        @Test(
            "invariant 5: killed before each system call: the old value or the new one, with its own age",
            arguments: [
                ("fcntl", ["old", "old", "old", "old", "new"]), ("openat", ["old"]), ("pread64", ["old"]),
                ("ftruncate", ["old"]),
                ("pwrite64", ["old"]), ("renameat2", ["old"]),
            ])
        func killed(_ call: String, _ expected: [String]) async throws {
            var found: [String] = []
            for number in 1...6 {
                let save = try await Save()
                let old = try #require(Double(CacheTest.value(try await save.host.line("saved text=old"))["at"] ?? ""))
                guard try await save.disturb("\(call):signal=SIGKILL:when=\(number)") else { break }
                let now = SystemClock().boot().nanoseconds
                let line = CacheTest.value(try await save.host.line("found text="))
                let text = try #require(line["text"])
                let made = try #require(Double(line["at"] ?? ""))
                found.append(text)
                #expect(line["corrupt"] == "0")
                // The age is the value's own: to 10 ms, and what a busy machine adds between two lines.
                if text == "old" {
                    #expect(abs(made - old) < 10 + 40, "\(call) \(number)")
                } else {
                    #expect(text == "new" && made > old + 50 && made <= Double(now) / 1e6, "\(call) \(number)")
                }
                #expect(save.names.allSatisfy { !$0.hasSuffix(".tmp") }, "\(call) \(number): \(save.names)")
            }
            // The one that opens the pipe comes first.
            #expect(found.starts(with: expected), "\(found)")
        }

        @Test(
            "invariant 5: a call that fails: the value is served, the old file is intact",
            arguments: [
                ("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("renameat2", "EIO"), ("openat", "EMFILE"),
                ("fcntl", "ENOLCK"), ("pread64", "EIO"), ("ftruncate", "EIO"),
            ])
        func failing(_ call: String, _ error: String) async throws {
            let save = try await Save()
            try await save.host.line("saved text=old")
            // Each such call of the thread from now on, but for the one that waits for the pipe.
            let first = call == "openat" ? "2+" : "1+"
            _ = try await save.disturb("\(call):error=\(error):when=\(first)")
            let line = CacheTest.value(try await save.host.line("saved text=new"))
            // A header that cannot be read says nothing about the new value: it is not lost for that.
            #expect(line["save_failures"] == "1", "\(save.host.log)")
            try await save.host.line(" checks, 0 failed")
            #expect(try await save.value() == "old")
            // What failed goes; the file to write to stays where it was never reached.
            let spare = ["fcntl", "pread64"].contains(call) ? ["spare.tmp"] : []
            #expect(save.names == ["lock"] + spare + ["v.shc"])
        }

        @Test(
            "durability: power waits for the data before the rename, and for the directory after it",
            arguments: ["process", "power"])
        func durable(_ durability: String) async throws {
            // For the routine; the plugin's own word is the other one.
            let other = durability == "power" ? "process" : "power"
            let save = try await Save(
                settings: "caches: {durability: '\(other)'}, routines: {try: {caches: {durability: '\(durability)'}}},")
            try await save.host.line("saved text=old")
            let calls = try await save.traced("fdatasync,fsync,renameat,renameat2,unlinkat")
            try await save.host.line(" checks, 0 failed")
            let names = calls.map { String($0.prefix { $0 != "(" }) }
            if durability == "process" {
                #expect(names == ["renameat2"], "\(calls)")
            } else {
                #expect(names == ["fdatasync", "renameat2", "fsync"], "\(calls)")
                let folder = "/cache/v1/cachetest/try"
                #expect(calls.first?.contains("\(folder)/") == true && calls.first?.contains(".tmp>") == true)
                #expect(calls.last?.contains("\(folder)>") == true, "\(calls)")
            }
        }

        @Test(
            "a full disk: the value is served, the old one is on disk",
            .enabled(if: getuid() == 0, "only root may mount a small file system"))
        func full() async throws {
            let scratch = try await CacheTest.scratch("value", text: "old")
            let disk = try await SmallDisk(at: scratch.state, kilobytes: 512, in: scratch)
            defer { withExtendedLifetime(disk) {} }
            try await Host("--exit-when-idle", in: scratch).ended()
            // What is left is enough for a session, its ledger is allocated whole, and less than the next value needs: its write
            // falls short, then fails.
            _ = try await Command.shell(
                "cd '\(scratch.state)' && dd if=/dev/zero of=fill bs=4k 2>/dev/null; truncate -s -48k fill",
                in: scratch)
            try CacheTest.configure(scratch, "big", text: "", count: 65_536)
            let host = try Host("--exit-when-idle", in: scratch)
            try await host.line("big served=65536 save_failures=1")
            try await host.line("not saved", "No space left on device")
            _ = try await host.end(by: Signals.interrupt)
            let get = try await Program.run(
                "cache", "get", "cachetest/try", "v", "--state", scratch.state, in: scratch)
            #expect(get.output == "old", "\(get.errors)")
        }
    }
}

/// What this machine has.
enum Machine {
    static let hasTracer = FileManager.default.isExecutableFile(atPath: "/usr/bin/strace")
}

/// A worker that has saved one value and waits to save the next.
private final class Save {
    let scratch: Scratch
    let host: Host
    private let pipe: String

    init(settings: String = "") async throws {
        scratch = try await CacheTest.scratch("save", text: "")
        pipe = scratch.path + "/pipe"
        try CacheTest.configure(scratch, "save", text: pipe, settings: settings)
        guard unsafe mkfifo(pipe, 0o600) == 0 else { throw Unmet(description: "mkfifo") }
        host = try Host(in: scratch)
    }

    /// Lets the routine save under strace, and gives its calls of these names.
    func traced(_ calls: String) async throws -> [String] {
        let file = scratch.path + "/calls"
        _ = try await disturb("none", strace: "-y -e trace=\(calls) -o '\(file)'")
        return try await eventually("the calls") {
            let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
            let lines = text.split(separator: "\n").map { String($0) }
            return lines.contains { $0.hasPrefix("renameat") } ? lines.filter { $0.contains("(") } : nil
        }
    }

    /// Attaches strace to the routine's thread and lets it save; true when the worker died of that in its session.
    func disturb(_ injection: String, strace words: String? = nil) async throws -> Bool {
        let slot = try #require(try await host.sessions(1).first)
        let worker = try #require(host.workers.first)
        // The thread is at the pipe, and 50 ms pass, so that two ages differ.
        try await Task.sleep(for: .milliseconds(60))
        let strace = try Command(
            ["/bin/sh", "-c", "exec strace -p \(slot.thread) \(words ?? "-o /dev/null --inject=\(injection)")"],
            in: scratch)
        try await eventually("strace\n\(strace.errors)") { strace.errors.contains("attached") }
        let writer = try Command(["/bin/sh", "-c", "echo > '\(pipe)'"], in: scratch)
        _ = try await eventually("the save\n\(self.host.log)") {
            !Processes.isAlive(worker) || !self.host.lines("ended: ended_by_routine").isEmpty ? true : nil
        }
        writer.signal(Signals.kill)
        if Processes.isAlive(worker) { return false }
        // Killed after the session's end it has nothing more to say; else its successor tells what it finds.
        return try await eventually("the session after it\n\(self.host.log)") {
            if !self.host.lines("found text=").isEmpty { return true }
            return self.host.lines("saved text=new").isEmpty || self.host.lines("ended: ended_by_routine").isEmpty
                ? nil : false
        }
    }

    /// What is in the cache's directory.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: scratch.state + "/cache/v1/cachetest/try")) ?? [])
            .sorted()
    }

    /// What the disk has, as the command line shows it.
    func value() async throws -> String {
        try await Program.run("cache", "get", "cachetest/try", "v", "--state", scratch.state, in: scratch).output
    }
}

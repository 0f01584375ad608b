import FoundationEssentials
import Glibc
import HostCore
import HostSystem
import Testing

extension EndToEnd {
    /// A save that is disturbed, in a real worker on a real file system, by strace(1).
    @Suite(.enabled("strace may not be used here") { CacheSaves.mayTrace }) struct CacheSaves {
        @Test func `killed at each system call: the old value or the new one, with its own age`() async throws {
            var found: [String] = []
            for call in 1...60 {
                let save = try await Save()
                let old = try #require(Double(CacheTest.value(try await save.host.line("saved text=old"))["at"] ?? ""))
                let killed = try await save.disturb("all:signal=SIGKILL:when=\(call)")
                guard killed else { break }
                let now = HostSystem.SystemClock().boot()
                let line = CacheTest.value(try await save.host.line("found text="))
                let text = try #require(line["text"])
                let made = try #require(Double(line["at"] ?? ""))
                found.append(text)
                #expect(line["corrupt"] == "0")
                // The age is the value's own: to 10 ms, and what a busy machine adds between two lines.
                if text == "old" {
                    #expect(abs(made - old) < 10 + 40, "call \(call)")
                } else {
                    #expect(text == "new" && made > old + 50 && made <= Double(now) / 1e6, "call \(call)")
                }
                #expect(save.names.allSatisfy { !$0.hasSuffix(".tmp") }, "call \(call): \(save.names)")
            }
            // From the wait before the save to the log line after it, the rename somewhere in between.
            #expect(found.count >= 10 && found.first == "old" && found.last == "new", "\(found)")
            #expect(found == found.sorted().reversed(), "\(found)")
        }

        @Test(
            "a call that fails: the value is served, the old file is intact",
            arguments: [
                ("write", "ENOSPC"), ("write", "EIO"), ("renameat", "EIO"), ("close", "EIO"), ("openat", "EMFILE"),
                ("fcntl", "ENOLCK"), ("pread64", "EIO"),
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
            #expect(save.names == ["lock", "v.shc"])
        }

        @Test(
            "a full disk: the value is served, the old one is on disk",
            .enabled("only root may mount a small file system", { getuid() == 0 }))
        func full() async throws {
            let scratch = try await CacheTest.scratch("value", text: "old")
            _ = try await Command.shell(
                "mkdir -p '\(scratch.state)' && mount -t tmpfs -o size=512k,mode=700 none '\(scratch.state)'", in: scratch)
            let cleaner = try Cleaner("umount -l '\(scratch.state)'", scratch)
            defer { withExtendedLifetime(cleaner) {} }
            try await Host("--exit-when-idle", in: scratch).ended()
            // What is left is less than the next value needs: its write falls short, then fails.
            _ = try await Command.shell(
                "cd '\(scratch.state)' && dd if=/dev/zero of=fill bs=4k 2>/dev/null; truncate -s -8k fill; rm -f none",
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

        /// Whether this process may trace another.
        static let mayTrace: Bool = {
            guard let scratch = try? Scratch(),
                let command = try? Command(["/bin/sh", "-c", "strace -o /dev/null -e trace=none true"], in: scratch)
            else { return false }
            while true {
                if let end = command.child.reap() { return end == .exited(0) }
                usleep(1000)
            }
        }()
    }
}

/// Runs a command when nobody holds it.
private final class Cleaner {
    private let text: String
    private let scratch: Scratch

    init(_ text: String, _ scratch: Scratch) throws {
        self.text = text
        self.scratch = scratch
    }

    deinit {
        guard let command = try? Command(["/bin/sh", "-c", text], in: scratch) else { return }
        while command.child.reap() == nil { usleep(1000) }
    }
}

/// A worker that has saved one value and waits to save the next.
private final class Save {
    let scratch: Scratch
    let host: Host
    private let pipe: String

    init() async throws {
        scratch = try await CacheTest.scratch("save", text: "")
        pipe = scratch.path + "/pipe"
        try CacheTest.configure(scratch, "save", text: pipe)
        guard unsafe mkfifo(pipe, 0o600) == 0 else { throw Unmet(description: "mkfifo") }
        host = try Host(in: scratch)
    }

    /// Attaches strace to the routine's thread and lets it save; true when the worker died of that.
    func disturb(_ injection: String) async throws -> Bool {
        let slot = try #require(try await host.sessions(1).first)
        let worker = try #require(host.workers.first)
        // The thread is at the pipe, and 50 ms pass, so that two ages differ.
        try await Task.sleep(for: .milliseconds(60))
        let strace = try Command(
            ["/bin/sh", "-c", "exec strace -p \(slot.thread) -o /dev/null --inject=\(injection)"], in: scratch)
        try await eventually("strace\n\(strace.errors)") { strace.errors.contains("attached") }
        let writer = try Command(["/bin/sh", "-c", "echo > '\(pipe)'"], in: scratch)
        _ = try await eventually("the save\n\(self.host.log)") {
            !Processes.isAlive(worker) || !self.host.lines("ended: ended_by_routine").isEmpty ? true : nil
        }
        writer.signal(Signals.kill)
        return !Processes.isAlive(worker)
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

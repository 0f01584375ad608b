import FoundationEssentials
import Glibc
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// One change of the directory at a time.
    @Suite struct Watching {
        let scratch: Scratch
        let one: [UInt8]
        let two: [UInt8]
        var file: String { scratch.plugins + "/a.so" }

        init() async throws {
            try await Stamped.prepare()
            scratch = try Scratch()
            one = try Stamped.bytes(id: 1, version: 1)
            two = try Stamped.bytes(id: 1, version: 2)
        }

        private func write(_ bytes: [UInt8], to path: String) throws {
            try Data(bytes).write(to: URL(filePath: path))
        }

        /// A host that runs version 1 from `a.so`.
        private func host() async throws -> Host {
            try write(one, to: file)
            let host = try Host(in: scratch)
            _ = try await host.sessions(1)
            try await host.awaitContents([Stamped.hash(one)])
            return host
        }

        private func kinds(_ host: Host, running: Int = 1) async throws -> [SessionEnd] {
            _ = try await host.sessions(running)
            _ = try await host.end(by: Signals.interrupt)
            return try host.records.compactMap(\.reason.end)
        }

        @Test func `a dropped file runs within 100 ms of its last write`() async throws {
            let canary = try Canary()
            let host = try Host(in: scratch)
            try await host.line("schedhost 1.0.0")
            try await eventually("the watch") { FileManager.default.fileExists(atPath: scratch.state + "/plugins") }
            var times: [Duration] = []
            for number in 0..<10 {
                let name = scratch.plugins + "/\(number).so"
                let bytes = try Stamped.bytes(id: 100 + number, version: 1)
                let start = ContinuousClock.now
                try write(bytes, to: name)
                try await eventually("a cycle of \(number)\n\(host.log)") {
                    LedgerView.all(in: scratch).filter { $0.session != 0 && $0.cycle > 0 }.count == number + 1
                }
                times.append(ContinuousClock.now - start)
            }
            // The median, and what a thread outside of the host was late by: this machine may have other work at the same time.
            let bound = Duration.milliseconds(100) + .milliseconds(Int(canary.longestMs))
            #expect(times.sorted()[times.count / 2] < bound, "\(times)")
        }

        @Test func `a file that is replaced in place, or by a rename, ends its session as reloaded`() async throws {
            let host = try await host()
            try write(two, to: file)
            try await host.awaitContents([Stamped.hash(two)])
            // A copy is there before its session, and a file that is replaced before that has none.
            _ = try await host.sessions(1)
            try write(one, to: scratch.plugins + "/.new")
            #expect(unsafe rename(scratch.plugins + "/.new", file) == 0)
            try await host.awaitContents([Stamped.hash(one)])
            _ = try await host.sessions(1)
            #expect(try await kinds(host) == [.reloaded, .reloaded, .stopped])
            let lifetimes = try host.records.compactMap(\.lifetimeCycles)
            #expect(lifetimes == lifetimes.sorted(), "lifetime cycles go on")
            #expect(lifetimes.last == (try host.records.reduce(0) { $0 + $1.cycles }))
        }

        @Test func `a build that writes for a second is taken up when it closes the file, and not before`() async throws
        {
            let host = try await host()
            let directory = try Directory(scratch.plugins)
            let output = try directory.openForUpdate("a.so")
            try output.truncate(to: 0, subject: "a.so")
            for start in stride(from: 0, to: two.count, by: two.count / 20) {
                try output.writeAll(Array(two[start..<min(start + two.count / 20, two.count)]), subject: "a.so")
                try await Task.sleep(for: .milliseconds(60))
                #expect(host.loadedContents == [Stamped.hash(one)], "the old one runs on")
            }
            _ = consume output
            try await host.awaitContents([Stamped.hash(two)])
            #expect(host.lines("ERROR").isEmpty)
            #expect(try await kinds(host) == [.reloaded, .stopped])
        }

        @Test func `pieces with a close after each are not refused in between`() async throws {
            let host = try await host()
            let directory = try Directory(scratch.plugins)
            for end in [one.count / 3, one.count / 2, one.count] {
                let output = try directory.openForUpdate("b.so")
                try output.truncate(to: 0, subject: "b.so")
                let bytes = try Stamped.bytes(id: 2, version: 1)
                try output.writeAll(Array(bytes[..<end]), subject: "b.so")
                _ = consume output
                try await Task.sleep(for: .milliseconds(150))
            }
            try await host.awaitContents([Stamped.hash(one), Stamped.hash(try Stamped.bytes(id: 2, version: 1))])
            #expect(host.lines("ERROR").isEmpty, "\(host.log)")
        }

        @Test func `what stays half is refused once, and runs when it is mended`() async throws {
            let host = try await host()
            #expect(unsafe truncate(file, 3000) == 0)
            try await host.line("ERROR", "a.so: truncated")
            try await host.awaitContents([])
            let before = host.lines("ERROR").count
            #expect(unsafe truncate(file, 3000) == 0)
            try write(two, to: file)
            try await host.awaitContents([Stamped.hash(two)])
            #expect(host.lines("ERROR").count == before)
            #expect(try await kinds(host) == [.removed, .stopped])
        }

        @Test func `a touch is no change`() async throws {
            let host = try await host()
            for _ in 0..<5 {
                #expect(unsafe utimes(file, nil) == 0)
                try write(one, to: file)
                try await Task.sleep(for: .milliseconds(30))
            }
            #expect(try await kinds(host) == [.stopped])
        }

        @Test(.enabled(if: getuid() == 0, "only root may mount a small file system"))
        func `a full disk has no room for the copy: what runs goes on, and the new one comes when there is room`()
            async throws
        {
            let disk = try await SmallDisk(at: scratch.state, kilobytes: 1024, in: scratch)
            defer { withExtendedLifetime(disk) {} }
            let host = try await host()
            let fill = scratch.state + "/fill"
            _ = try await Command.shell("dd if=/dev/zero of='\(fill)' bs=4k 2>/dev/null; true", in: scratch)
            try write(two, to: file)
            try await host.line("a.so: no copy of it", "No space left on device")
            // Longer than a file that is not whole is waited for.
            try await Task.sleep(for: .milliseconds(1200))
            #expect(host.loadedContents == [Stamped.hash(one)], "\(host.log)")
            try FileManager.default.removeItem(atPath: fill)
            try await host.awaitContents([Stamped.hash(two)])
            #expect(host.lines("no copy of it").count == 1, "\(host.log)")
            #expect(try await kinds(host) == [.reloaded, .stopped])
        }

        @Test func `a removed file ends its session as removed, and its copy goes`() async throws {
            let host = try await host()
            #expect(host.copies == [Stamped.hash(one)])
            try FileManager.default.removeItem(atPath: file)
            try await host.awaitContents([])
            try await eventually("no copy") { host.copies.isEmpty }
            #expect(try await kinds(host, running: 0) == [.removed])
        }

        @Test func `a renamed file goes on under its new name, one session after the other`() async throws {
            let host = try await host()
            #expect(unsafe rename(file, scratch.plugins + "/b.so") == 0)
            try await host.line("b.so: ")
            _ = try await host.sessions(1)
            #expect(try await kinds(host) == [.removed, .stopped])
            let records = try host.records
            #expect(records[0].finishMs <= records[1].startMs)
        }

        @Test func `permissions that let others write end a plugin, and their mend starts it`() async throws {
            let host = try await host()
            #expect(unsafe chmod(file, 0o777) == 0)
            try await host.line("ERROR", "a.so: unsafe")
            try await host.awaitContents([])
            #expect(unsafe chmod(file, 0o755) == 0)
            try await host.awaitContents([Stamped.hash(one)])
            #expect(unsafe chmod(scratch.plugins, 0o777) == 0)
            try await host.line("ERROR", "unsafe", "its directory")
            try await host.awaitContents([])
            #expect(unsafe chmod(scratch.plugins, 0o755) == 0)
            try await host.awaitContents([Stamped.hash(one)])
        }

        @Test func `the directory is moved away, comes back, is replaced, deleted and made again`() async throws {
            let host = try await host()
            let (here, there) = (scratch.plugins, scratch.path + "/other")
            #expect(unsafe rename(here, there) == 0)
            try await host.awaitContents([])
            #expect(unsafe rename(there, here) == 0)
            try await host.awaitContents([Stamped.hash(one)])
            // One exchange of two directories, as by a deployment.
            #expect(unsafe mkdir(there, 0o755) == 0)
            try write(two, to: there + "/a.so")
            #expect(unsafe rename(here, scratch.path + "/old") == 0)
            #expect(unsafe rename(there, here) == 0)
            try await host.awaitContents([Stamped.hash(two)])
            try FileManager.default.removeItem(atPath: here)
            try await host.awaitContents([])
            #expect(unsafe mkdir(here, 0o755) == 0)
            try write(one, to: file)
            try await host.awaitContents([Stamped.hash(one)])
        }

        @Test func `a name that becomes free goes to the other file that wants it`() async throws {
            let host = try await host()
            try write(two, to: scratch.plugins + "/b.so")
            try await host.line("ERROR", "b.so: its name plug-00000001 is taken by a.so")
            // The copy of what is refused goes after the line.
            try await host.awaitContents([Stamped.hash(one)])
            try FileManager.default.removeItem(atPath: file)
            try await host.awaitContents([Stamped.hash(two)])
        }

        @Test func `a configuration is taken up on edit, and one that is wrong changes nothing`() async throws {
            let host = try await host()
            let name = Stamped.id(1) + ".json5"
            try scratch.write("{ max_cycles: 1000000 }", to: name)
            try await host.line("ended: reloaded", "its configuration has changed")
            _ = try await host.sessions(1)
            try scratch.write("{ max_cycle: 5 }", to: name)
            try await host.line("ERROR", "max_cycle: unknown key; did you mean max_cycles?", "stay as they were")
            #expect(host.loadedContents == [Stamped.hash(one)])
            try scratch.write("{ max_cycles: 3 }", to: "schedhost.json5")
            try await host.line("ERROR", "max_cycle: unknown key", "stay as they were")
            #expect(host.loadedContents == [Stamped.hash(one)])
            try FileManager.default.removeItem(atPath: scratch.plugins + "/" + name)
            try await host.line("ended: max_cycles, 3 cycles")
        }

        @Test func `a plugin finds its own libraries beside its file, not beside its copy`() async throws {
            let build = """
                cd '\(scratch.plugins)' && mkdir deps && echo 'int answer(void) { return 42; }' > deps/answer.c
                cc -shared -fPIC deps/answer.c -o deps/libanswer.so
                cat > needs.c <<'END'
                \(Source.plugin("needs", waitMs: 20, more: "int answer(void);", body: """
                schedhost_end_session(scheduler, answer() == 42 && getenv("LD_LIBRARY_PATH") == NULL ? "right" : "wrong");
                """).replacing("#include <stdio.h>", with: "#include <stdio.h>\n#include <stdlib.h>"))
                END
                cc -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' needs.c -o needs.so \
                    -Ldeps -lanswer -Wl,-rpath,'$ORIGIN/deps'
                """
            _ = try await Command.shell(build, in: scratch)
            let host = try Host(in: scratch)
            try await host.line("needs/run", "ended_by_routine")
            _ = try await host.end(by: Signals.interrupt)
            #expect(try host.records.map(\.reason.text) == ["right"])
        }
    }
}

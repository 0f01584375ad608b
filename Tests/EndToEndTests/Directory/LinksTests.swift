import FoundationEssentials
import Glibc
import HostCommandLine
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// Plugins and settings that are reached through links, by several names, or where nobody tells of changes.
    @Suite struct Links {
        let scratch: Scratch

        init() async throws {
            for (name, word) in [("one", "one"), ("two", "two")] {
                try await Fixtures.build(
                    "speaker-" + name,
                    c: Source.plugin("a", waitMs: 1000, body: "schedhost_info(scheduler, \"\(word)\");"))
            }
            scratch = try Scratch()
        }

        private func shell(_ text: String) async throws {
            _ = try await Command.shell(
                "cd '\(scratch.path)' && one='\(Fixtures.file(of: "speaker-one"))' && two='\(Fixtures.file(of: "speaker-two"))' && "
                    + text, in: scratch)
        }

        private func end(_ host: Host) async throws {
            _ = try await host.end(by: Signals.terminate)
            #expect(host.lines("ERROR").isEmpty, "\(host.log)")
        }

        /// The second plugin runs, and by settings that have it run ten times as often.
        private func secondRuns(_ host: Host) async throws {
            try await host.line("a/run", "two", within: .seconds(5))
            try await eventually("ten cycles\n\(host.log)", within: .seconds(5)) {
                host.lines("a/run", "two").count >= 10
            }
        }

        @Test(arguments: [
            // A ConfigMap: files lead through `..data`, which is switched.
            (
                "mkdir plugins/..v1 plugins/..v2 && ln -s ..v1 plugins/..data && ln -s ..data/a.so ..data/a.json5 plugins/",
                "plugins/..v1", "plugins/..v2",
                "ln -s ..v2 plugins/..tmp && mv -T plugins/..tmp plugins/..data && rm -r plugins/..v1"
            ),
            // A release: the directory's own path leads through a link two levels up, and back.
            (
                "rmdir plugins && mkdir -p r1/p r2/p && ln -s r1 current && ln -s current/../current/p plugins",
                "r1/p", "r2/p", "ln -s r2 n && mv -T n current"
            ),
            // Links to another directory, one behind the other, of which the last is switched.
            (
                "mkdir v1 v2 && ln -s v1 far && ln -s far near && ln -s ../near/a.so ../near/a.json5 plugins/", "v1",
                "v2",
                "ln -s v2 n && mv -T n far"
            ),
            // A directory without a link is moved away, and another one moved there.
            (
                "rmdir plugins && mkdir v1 v2 && mkdir top && mv v1 top/p && ln -s top/p plugins", "top/p", "v2",
                "mv top/p old && mv v2 top/p"
            ),
            // The same two levels up.
            (
                "rmdir plugins && mkdir -p app/x/p new/x/p && ln -s app/x/p plugins", "app/x/p", "new/x/p",
                "mv app old && mv new app"
            ),
            // A build's directory is removed, and made anew step by step: what was linked comes last.
            (
                "mkdir -p build/x86 v2 && ln -s ../build/x86/a.so ../build/x86/a.json5 plugins/", "build/x86", "v2",
                "rm -r build && sleep 0.3 && mkdir build && sleep 0.3 && mkdir build/x86 && cp v2/* build/x86/"
            ),
        ])
        func `what is switched by a link is taken up, plugin and settings`(
            layout: String, first: String, second: String, change: String
        ) async throws {
            try await shell(
                """
                \(layout) && cp "$one" \(first)/a.so && echo '{wait_ms: 1000}' > \(first)/a.json5
                cp "$two" \(second)/a.so && echo '{wait_ms: 100}' > \(second)/a.json5
                """)
            let host = try Host(in: scratch)
            try await host.line("a/run", "one")
            try await shell(change)
            try await secondRuns(host)
            try await end(host)
        }

        @Test(arguments: ["ln -s", "ln"])
        func `a link that is made while the host runs is taken up, to settings and to a plugin`(link: String)
            async throws
        {
            try await shell(
                "mkdir far && cp \"$one\" plugins/a.so && cp \"$two\" far/a-2.so && echo '{wait_ms: 50}' > far/a.json5")
            let host = try Host(in: scratch)
            try await host.line("a/run", "one")
            try await shell("\(link) \"$PWD/far/a.json5\" plugins/a.json5")
            try await host.line("its configuration has changed")
            try await shell("rm plugins/a.so && sleep 0.2 && \(link) \"$PWD/far/a-2.so\" plugins/a-2.so")
            try await host.line("a/run", "two")
            try await end(host)
        }

        @Test(arguments: ["ln -s", "ln"])
        func `a link to a build's output follows it, in place and by rename`(link: String) async throws {
            try await shell("mkdir build && cp \"$one\" build/a.so && \(link) \"$PWD/build/a.so\" plugins/a.so")
            let host = try Host(in: scratch)
            try await host.line("a/run", "one")
            try await shell("cat \"$two\" > build/a.so")
            try await host.line("a/run", "two", within: .seconds(5))
            if link == "ln" { return try await end(host) }  // another file would not be the linked one
            try await shell("rm build/a.so && sleep 0.2 && cp \"$one\" build/a.so")
            try await eventually("the first again\n\(host.log)") {
                host.log.split(separator: "\n").last { $0.contains("a/run") }?.contains("one") == true
            }
            try await shell("cp \"$two\" build/n && mv build/n build/a.so")
            try await eventually("the second again\n\(host.log)") {
                host.log.split(separator: "\n").last { $0.contains("a/run") }?.contains("two") == true
            }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `the host's configuration may be a link too`() async throws {
            try await shell(
                """
                cp "$one" plugins/a.so && mkdir etc v1 v2 && ln -s ../v1 etc/current && ln -s current/c.json5 etc/c.json5
                echo '{wait_ms: 3600000}' > v1/c.json5 && echo '{wait_ms: 100}' > v2/c.json5
                """)
            let host = try Host("--config", scratch.path + "/etc/c.json5", in: scratch)
            try await host.line("a/run", "one")
            try await shell("ln -s ../v2 n && mv -T n etc/current")
            try await eventually("ten cycles\n\(host.log)") { host.lines("a/run", "one").count >= 10 }
            // Folders above it are moved, and others put in their place.
            try await shell("mkdir n && echo '{wait_ms: 3600000}' > n/c.json5 && mv v2 w2 && mv n v2")
            try await host.line("its configuration has changed")
            try await Task.sleep(for: .seconds(1))
            let last = host.lines("a/run", "one").count
            try await Task.sleep(for: .milliseconds(500))
            #expect(host.lines("a/run", "one").count == last, "it waits for an hour\n\(host.log)")
            try await shell("mv etc far && mkdir -p etc && echo '{wait_ms: 90}' > etc/c.json5")
            try await eventually("cycles again\n\(host.log)") { host.lines("a/run", "one").count >= last + 10 }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test(.enabled(if: Tools.hasNamespaces, "no namespaces can be made here"), arguments: ["instances", "watches"])
        func `without inotify changes are looked for, and the limit is named`(what: String) async throws {
            try await shell("cp \"$one\" plugins/a.so && chmod -R a+rX .")
            let host = try Host(
                shell: "exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_inotify_\(what) && exec \"$@\"' sh \"$@\"",
                in: scratch)
            try await host.line("a/run", "one")
            try await host.line("WARNING", "fs.inotify.max_user_\(what)")
            try await shell(
                "cp \"$two\" plugins/n && mv plugins/n plugins/a.so && echo '{wait_ms: 100}' > plugins/a.json5")
            try await eventually("the second\n\(host.log)", within: .seconds(15)) {
                host.lines("a/run", "two").count >= 10
            }
            try await end(host)
        }

        @Test func `where the system tells nothing, or somebody wants it so, changes are looked for`() async throws {
            try await shell(
                """
                cp "$one" plugins/a.so
                cat > stub.c <<'X'
                #include <sys/eventfd.h>
                int inotify_init1(int flags) { return eventfd(0, flags & (EFD_CLOEXEC | EFD_NONBLOCK)); }
                int inotify_add_watch(int d, const char *p, unsigned m) { (void)d, (void)p, (void)m; return 1; }
                int inotify_rm_watch(int d, int w) { (void)d, (void)w; return 0; }
                X
                cc -shared -fPIC stub.c -o stub.so
                """)
            let host = try Host(shell: "LD_PRELOAD=$PWD/stub.so exec \"$@\"", in: scratch)
            try await host.line("a/run", "one")
            try await host.line("WARNING", "plugins", "changes are looked for")
            try await shell("cp \"$two\" plugins/a.so && echo '{wait_ms: 100}' > plugins/a.json5")
            try await eventually("the second\n\(host.log)", within: .seconds(15)) {
                host.lines("a/run", "two").count >= 10
            }
            try await shell("rm plugins/a.so")
            try await host.line("a.so is gone", within: .seconds(15))
            try await end(host)
            let asked = try Host("--poll", in: scratch)
            try await asked.line("INFO", "changes are looked for every 2 s")
            _ = try await asked.end(by: Signals.terminate)
        }

        // MARK: Libraries

        /// A plugin that says a library's number, and that library, of many pages, by its number.
        private func libraries() async throws {
            try await Fixtures.build("nothing", c: Source.plugin("nothing", waitMs: 1000, body: ""))
            try await shell(
                """
                for n in 1 2; do
                    for i in $(seq 300); do echo "__attribute__((aligned(4096))) int f$i(int x) { return x + $i; }"; done > dep.c
                    echo "int inner(void); int dep(void) { int x = 0;" >> dep.c
                    for i in $(seq 300); do echo "x = f$i(x);"; done >> dep.c; echo "return $n * 10 + inner(); }" >> dep.c
                    echo "int inner(void) { return $n; }" > inner.c
                    cc -O0 -shared -fPIC inner.c -Wl,-soname,libinner.so -o libinner$n.so
                    cp libinner$n.so libinner.so
                    cc -O0 -shared -fPIC dep.c -L. -linner -Wl,-soname,libdep.so.1 -o libdep$n.so
                done
                cp libdep1.so libdep.so.1
                cat > app.c <<'X'
                #include <schedhost/plugin.h>
                int dep(void);
                static int32_t run(const schedhost_scheduler *s, void *u) { (void)u; schedhost_info(s, "dep %d", dep()); return 0; }
                static const schedhost_routine r = {SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = 50, .run = run};
                static const schedhost_routine *const rs[] = {&r, NULL};
                static const schedhost_plugin p = {SCHEDHOST_SIZED(schedhost_plugin), .id = "app", .version = "1", .routines = rs};
                SCHEDHOST_PLUGIN(&p)
                X
                cc -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' app.c -L. -l:libdep.so.1 -linner -o app.so
                """)
        }

        @Test func `a library beside a plugin that is overwritten harms nobody, and is used from then on`() async throws
        {
            try await libraries()
            try await shell(
                "cp libdep1.so plugins/libdep.so.1 && cp libinner1.so plugins/libinner.so && cp app.so plugins/")
            let host = try Host(in: scratch)
            try await host.line("app/run", "dep 11")
            try await shell("cat libdep2.so > plugins/libdep.so.1")
            try await host.line("app/run", "dep 21", within: .seconds(6))
            // That of a library, by rename.
            try await shell("cp libinner2.so plugins/n && mv plugins/n plugins/libinner.so")
            try await host.line("app/run", "dep 22", within: .seconds(6))
            try await end(host)
            #expect(try host.records.map(\.reason.end) == [.reloaded, .reloaded, .stopped], "\(host.log)")
            // A library that a plugin needs is nothing to blame.
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(!list.output.contains("refused"), "\(list.output)")
        }

        @Test(arguments: ["ln -s libdep.so.1 plugins/libdep.so", "cp libdep1.so plugins/libdep.so"])
        func `the name by which a library is linked is no fault beside the one by which it is needed`(other: String)
            async throws
        {
            try await libraries()
            try await shell(
                "cp libdep1.so plugins/libdep.so.1 && cp libinner1.so plugins/libinner.so && cp app.so plugins/ && \(other)"
            )
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("ERROR").isEmpty, "\(host.log)")
            let list = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            #expect(list.end == .exited(0) && !list.output.contains("refused"), "\(list.output)")
        }

        @Test func `a plugin that came before its libraries begins when they are there`() async throws {
            try await libraries()
            let host = try Host(in: scratch)
            try await host.line("pid")
            try await shell("cp app.so plugins/")
            try await host.line("ERROR", "app.so", "libdep.so.1")
            try await shell("cp libdep1.so plugins/libdep.so.1")
            try await host.line("ERROR", "app.so", "libinner.so")
            try await shell("cp libinner1.so plugins/libinner.so")
            try await host.line("app/run", "dep 11", within: .seconds(5))
            _ = try await host.end(by: Signals.terminate)
        }

        // MARK: What is removed under a host

        @Test func `a cleaner of temporary files takes neither lock nor socket nor copies for long`() async throws {
            try await shell("cp \"$one\" plugins/a.so && echo '{wait_ms: 100}' > plugins/a.json5")
            let host = try Host(in: scratch)
            try await host.line("a/run", "one")
            try await shell("rm -r state/lock state/control.sock state/plugins state/ledgers state/reports")
            try await host.line("WARNING", "lock was removed")
            try await host.line("WARNING", "control.sock was removed")
            let second = try await Program.run(
                "--plugins", scratch.plugins, "--state", scratch.state, "--exit-when-idle", in: scratch)
            #expect(second.end == .exited(75), "\(second.errors)")
            let status = try await Program.run("status", "--state", scratch.state, in: scratch)
            #expect(status.end == .exited(0) && status.output.contains("a/run"), "\(status.errors)")
            let before = host.lines("a/run", "one").count
            for worker in host.workers { Processes.kill(worker, SIGSEGV) }
            try await host.line("its copy", "is made anew")
            try await eventually("it runs again\n\(host.log)") { host.lines("a/run", "one").count > before + 3 }
            _ = try await host.end(by: Signals.terminate)
        }

        @Test func `another directory in the place of the state's is told once, and left alone`() async throws {
            try await shell("cp \"$one\" plugins/a.so && echo '{wait_ms: 100}' > plugins/a.json5")
            let host = try Host(in: scratch)
            try await host.line("a/run", "one")
            try await shell("mv state elsewhere && mkdir -m 700 state")
            try await host.line("ERROR", "the state directory cannot be used any more", "restart the host")
            try await shell("sleep 0.5 && rm elsewhere/lock && sleep 0.5")
            #expect(host.lines("state directory").count == 1 && host.lines("was removed").isEmpty, "\(host.log)")
            #expect(host.lines("a/run", "one").count > 5, "what runs goes on")
            try await shell("rmdir state && mv elsewhere state")
            try await host.line("WARNING", "lock was removed")
            _ = try await host.end(by: Signals.terminate)
            #expect(try host.records.count == 1)
        }
    }
}

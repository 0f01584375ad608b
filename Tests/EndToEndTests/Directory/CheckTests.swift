import FoundationEssentials
import HostCommandLine
import HostSystem
import Testing

extension EndToEnd {
    /// `schedhost check`: what it finds in plugins.
    @Suite struct Checking {
        struct Case: Sendable, CustomTestStringConvertible {
            let name: String
            var more = ""
            var fields = ""
            var body = ""
            var fault: String?
            var note: String?
            var testDescription: String { name }
        }

        static let cases: [Case] = [
            Case(name: "good"),
            Case(
                name: "files", more: "#include <fcntl.h>", body: "(void)open(\"/dev/null\", O_RDONLY);",
                fault: "run: 1000 open descriptors more"),
            Case(
                name: "memory", more: "#include <stdlib.h>\n#include <string.h>",
                body: "memset(malloc(4096), 1, 4096);", fault: "KiB of memory more"),
            Case(
                name: "threads",
                more: """
                    #include <pthread.h>
                    static void *wait_for_ever(void *none) { (void)none; for (;;) { pause(); } return NULL; }
                    """,
                body: """
                    if (schedhost_cycle(scheduler) % 100 == 0) {
                        pthread_t thread;
                        pthread_create(&thread, NULL, wait_for_ever, NULL);
                    }
                    """, fault: "run: 10 threads more"),
            Case(
                name: "pool",
                more: """
                    #include <pthread.h>
                    #include <fcntl.h>
                    static void *wait_for_ever(void *none) { (void)none; for (;;) { pause(); } return NULL; }
                    static int calls = 0;
                    """,
                body: """
                    if (++calls == 700 || calls == 1700) {
                        pthread_t threads[3];
                        for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, wait_for_ever, NULL);
                        (void)open("/dev/null", O_RDONLY);
                    }
                    """),
            Case(
                name: "crash", body: "if (schedhost_cycle(scheduler) == 2) { *(volatile int *)8 = 1; }",
                fault: "the worker died in run: ended by SIGSEGV at run"),
            Case(
                name: "exit", more: "#include <stdlib.h>", body: "exit(0);",
                fault: "the worker died in run: exited with status 0"),
            Case(
                name: "deaf", body: "for (;;) { pause(); }", fault: "run, asked to stop, does not return within 3.0 s"),
            Case(
                name: "start-leak",
                more: """
                    #include <fcntl.h>
                    static int32_t start(const schedhost_scheduler *s, void *u) {
                        (void)s, (void)u;
                        (void)open("/dev/null", O_RDONLY);
                        return 0;
                    }
                    """, fields: ", .start = start", fault: "run: 1 open descriptors more"),
            Case(
                name: "failing", body: "return schedhost_fail(scheduler, SCHEDHOST_ERROR, \"no network\");",
                note: "fails in routine with its defaults (no network)"),
        ]

        @Test(arguments: cases)
        func `each fault is found and said`(item: Case) async throws {
            let name = "check-" + item.name
            try await Fixtures.build(
                name, c: Source.plugin(name, waitMs: 1000, more: item.more, fields: item.fields, body: item.body))
            let scratch = try Scratch()
            let (end, output, errors) = try await Program.run("check", Fixtures.file(of: name), in: scratch)
            #expect(errors.isEmpty)
            #expect(output.hasPrefix(name + " 1.0.0"))
            if let fault = item.fault {
                #expect(end == .exited(1))
                #expect(output.contains("    fault: \(Fixtures.file(of: name)): "))
                #expect(output.contains(fault), "\(output)")
            } else {
                #expect(end == .exited(0), "\(output)")
                #expect(output.hasSuffix("    good\n"))
            }
            if let note = item.note { #expect(output.contains(note), "\(output)") }
        }

        @Test func `configurations by themselves, and beside their plugin`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{ wait_ms: 20, params: { trace: '' } }", to: "healthy.json5")
            try scratch.write("{ plugins: { healthy: { routines: { baet: {} } } } }", to: "schedhost.json5")
            try scratch.write("{ wait_ms: -1 }", to: "other.json5")
            func check(_ name: String) async throws -> (ProcessEnd, String) {
                let (end, output, _) = try await Program.run("check", scratch.plugins + "/" + name, in: scratch)
                return (end, output)
            }
            #expect(try await check("healthy.json5") == (.exited(0), "\(scratch.plugins)/healthy.json5: good\n"))
            let (end, output) = try await check("schedhost.json5")
            #expect(end == .exited(1))
            #expect(output.contains("plugins.healthy.routines.baet: healthy has no such routine; did you mean beat?"))
            #expect(try await check("other.json5").0 == .exited(1))
            try scratch.write("{ isolation: 'shared', limits: { memory_mb: 64 } }", to: "healthy.json5")
            try scratch.write("{}", to: "schedhost.json5")
            let (shared, note) = try await check("healthy.json5")
            #expect(shared == .exited(0) && note.contains("note: its limits do not hold"), "\(note)")
            let limits = "{ routines: { beat: { limits: { memory_mb: 64 } } } }"
            for (file, text, isGood) in [
                ("healthy.json5", limits, false), ("absent.json5", limits, false),
                ("healthy.json5", "{ isolation: 'routine', " + limits.dropFirst(), true),
                ("schedhost.json5", "{ plugins: { healthy: \(limits) } }", false),
                ("schedhost.json5", "{ isolation: 'routine', plugins: { healthy: \(limits) } }", true),
                ("healthy.json5", limits, true),  // the host's level is each routine's own now
            ] {
                try scratch.write(text, to: file)
                let (end, output) = try await check(file)
                #expect((end == .exited(0)) == isGood, "\(file): \(text): \(output)")
                #expect(isGood || output.contains("routines share one"), "\(output)")
            }
            try scratch.write("{ plugins: { healthy: { routines: { baet: {} } } } }", to: "schedhost.json5")
            let (all, text, _) = try await Program.run(
                "check", "--config", scratch.plugins + "/schedhost.json5", in: scratch)
            #expect(all == .exited(1))
            #expect(text == output)
        }

        @Test func `list shows what is set for each routine, and where`() async throws {
            try await Fixtures.build("healthy")
            let scratch = try Scratch()
            try scratch.add("healthy")
            try scratch.write("{\n  wait_ms: 25,\n  routines: { beat: { max_cycles: 7 } }\n}", to: "healthy.json5")
            try scratch.write("{ timeout_ms: 9000 }", to: "schedhost.json5")
            let (end, whole, _) = try await Program.run("list", "--all", "--plugins", scratch.plugins, in: scratch)
            #expect(end == .exited(0))
            let (_, output, _) = try await Program.run("list", "--plugins", scratch.plugins, in: scratch)
            func line(_ key: String) -> String? {
                output.split(separator: "\n").first { $0.hasPrefix("        \(key) ") }.map {
                    $0.split(separator: " ").joined(separator: " ")
                }
            }
            let folder = scratch.plugins
            #expect(line("wait_ms") == "wait_ms 25 (\(folder)/healthy.json5:2)")
            #expect(line("max_cycles") == "max_cycles 7 (\(folder)/healthy.json5:3)")
            #expect(line("timeout_ms") == "timeout_ms 9000 (\(folder)/schedhost.json5:1)")
            #expect(!output.contains("built in)") && output.contains("more as built in: --all shows them"))
            #expect(whole.contains(#/\n +isolation +plugin +\(built in\)\n/#) && !whole.contains("--all"))
            #expect(line("params.trace") == "params.trace \"\" (plugin)")
        }

        @Test(arguments: ["c", "swift"])
        func `a new plugin builds with one command and runs`(language: String) async throws {
            let scratch = try Scratch()
            let program = try Program.path
            let output = try await Command.shell(
                "cd '\(scratch.path)' && '\(program)' new my-plugin --language \(language) && cd my-plugin && make -s && make -s run && make -s check",
                in: scratch)
            #expect(output.contains("my-plugin/tick"))
            #expect(output.hasSuffix("    good\n"), "\(output)")
            let again = try Command(
                ["/bin/sh", "-c", "cd '\(scratch.path)' && '\(program)' new my-plugin"], in: scratch)
            #expect(try await again.ended() == .exited(73))
            #expect(again.errors.contains("my-plugin: File exists"))
        }

        @Test func `the pages and completions are whole`() async throws {
            let scratch = try Scratch()
            let program = try Program.path
            _ = try await Command.shell("'\(program)' completion bash | bash -n", in: scratch)
            let bash = try await Command.shell("'\(program)' completion bash", in: scratch)
            let fish = try await Command.shell("'\(program)' completion fish", in: scratch)
            let zsh = try await Command.shell("'\(program)' completion zsh", in: scratch)
            let man = try await Command.shell("'\(program)' man", in: scratch)
            for command in CommandTable.commands {
                for text in [bash, fish, zsh] { #expect(text.contains(command.name.rawValue)) }
                for option in command.options {
                    #expect(bash.contains("--\(option.name.rawValue)"))
                    #expect(fish.contains("-l \(option.name.rawValue) "))
                    #expect(zsh.contains("--\(option.name.rawValue)"))
                    let name = option.name.rawValue.replacing("-", with: "\\-")
                    #expect(man.contains("\\-\\-\(name)"))
                }
            }
        }
    }
}

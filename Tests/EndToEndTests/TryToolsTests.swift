import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What an author puts before `schedhost try`, or builds into a plugin.
    @Suite struct TryTools {
        @Test func `what a sanitizer finds is told with its place`() async throws {
            let scratch = try Scratch()
            let source = scratch.path + "/bad.c"
            let text = Source.plugin(
                "try-asan", waitMs: 10, more: "#include <stdlib.h>",
                body: """
                    char *volatile memory = malloc(10);
                        free(memory);
                        memory[3] = 1;
                    """)
            try Data(text.utf8).write(to: URL(filePath: source))
            let file = scratch.path + "/libasan-plugin.so"
            do {
                _ = try await Command.shell(
                    "cc -g -shared -fPIC -fsanitize=address -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(source)' -o '\(file)'",
                    in: scratch)
            } catch {
                return  // this compiler has no sanitizer
            }
            let command = try Command([try Program.path, "try", file], in: scratch)
            #expect(try await command.ended() == .exited(1))
            #expect(command.errors.contains("heap-use-after-free"), "\(command.errors)")
            #expect(command.errors.contains("bad.c:11"), "\(command.errors)")
            // In a host its worker ends, and the record has the finding with its place.
            try FileManager.default.copyItem(atPath: file, toPath: scratch.plugins + "/libasan-plugin.so")
            let host = try Host(in: scratch)
            try await eventually("its record") { try !host.records.isEmpty }
            let reason = try #require(try host.records.first).reason
            #expect(
                reason.kind.name == "exit"
                    && reason.text.contains("exit status 1: AddressSanitizer: heap-use-after-free"))
            #expect(reason.text.contains("bad.c:11 in run"), "\(reason)")
        }

        @Test func `undefined behaviour ends a worker, and its record has the place`() async throws {
            let scratch = try Scratch()
            let source = scratch.path + "/odd.c"
            let text = Source.plugin(
                "odd", waitMs: 10,
                body: """
                    volatile int most = 2147483647;
                        most += schedhost_cycle(scheduler) == 0 ? 1 : 0;
                    """)
            try Data(text.utf8).write(to: URL(filePath: source))
            let file = scratch.path + "/libodd.so"
            do {
                _ = try await Command.shell(
                    "cc -g -shared -fPIC -fsanitize=undefined -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(source)' -o '\(file)'",
                    in: scratch)
            } catch {
                return  // this compiler has no sanitizer
            }
            // In the foreground it is told, and the program goes on, as is this sanitizer's way.
            let command = try Command([try Program.path, "try", file, "--cycles", "2"], in: scratch)
            #expect(try await command.ended() == .exited(0))
            #expect(command.errors.contains("odd.c:10:"), "\(command.errors)")
            try FileManager.default.copyItem(atPath: file, toPath: scratch.plugins + "/libodd.so")
            let host = try Host(in: scratch)
            try await eventually("its record") { try !host.records.isEmpty }
            let reason = try #require(try host.records.first).reason
            #expect(reason.kind.name == "exit", "\(reason)")
            #expect(
                reason.text.contains("odd.c:10:") && reason.text.contains("runtime error: signed integer overflow"),
                "\(reason)")
        }

        /// A plugin with debugging information whose routine has a line to stop at, `line`.
        private struct Step {
            let line = 9
            let scratch: Scratch
            let source: String
            let file: String

            init() async throws {
                scratch = try Scratch()
                source = scratch.path + "/step.c"
                file = scratch.path + "/libstep.so"
                try Data(Source.plugin("try-step", waitMs: 10, body: "puts(\"a cycle\");").utf8).write(
                    to: URL(filePath: source))
                _ = try await Command.shell(
                    "cc -g -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(source)' -o '\(file)'",
                    in: scratch)
            }

            /// Runs a debugger with these arguments, to which those of two cycles are added, and answers with what it printed.
            func debug(_ debugger: String...) async throws -> String {
                let command = try Command(
                    ["/usr/bin/env"] + debugger + [try Program.path, "try", file, "--cycles", "2"], in: scratch)
                #expect(try await command.ended(within: .seconds(120)) == .exited(0), "\(command.errors)")
                return command.output
            }
        }

        @Test(.enabled(if: Tools.has("gdb"))) func `gdb stops in a routine, and goes on to the end`() async throws {
            let step = try await Step()
            let output = try await step.debug(
                "gdb", "-q", "-batch", "-ex", "set breakpoint pending on", "-ex", "break step.c:\(step.line)", "-ex",
                "run",
                "-ex", "info source", "-ex", "delete", "-ex", "continue", "--args")
            #expect(output.contains("Current source file is \(step.source)"), "\(output)")
            #expect(output.contains("exited normally"), "\(output)")
        }

        /// The program under test without its debugging information, which valgrind 3.19 cannot read.
        private func valgrind(_ file: String, in scratch: Scratch) async throws -> Command {
            let program = scratch.path + "/schedhost"
            _ = try await Command.shell("strip -g -o '\(program)' '\(try Program.path)'", in: scratch)
            // Swift's runtime decides by a flag before it has set it, where a generic struct has no optimised metadata.
            let known = scratch.path + "/known"
            let text = "{\nSwift's runtime\nMemcheck:Cond\nfun:swift_initStructMetadata\n}\n"
            try Data(text.utf8).write(to: URL(filePath: known))
            return try Command(
                [
                    "/usr/bin/env", "valgrind", "--error-exitcode=99", "--suppressions=\(known)", program, "try", file,
                    "--cycles", "2",
                ], in: scratch)
        }

        @Test(.enabled(if: Tools.has("valgrind"))) func `valgrind has nothing to say of the host`() async throws {
            let step = try await Step()
            let command = try await valgrind(step.file, in: step.scratch)
            #expect(try await command.ended(within: .seconds(120)) == .exited(0), "\(command.errors)")
            #expect(command.errors.contains("ERROR SUMMARY: 0 errors from 0 contexts"), "\(command.errors)")
            #expect(!command.errors.contains("Warning"), "\(command.errors)")
            #expect(command.output.contains("a cycle"))
        }

        @Test(.enabled(if: Tools.has("valgrind"))) func `valgrind tells what a plugin does wrong, with its place`()
            async throws
        {
            let scratch = try Scratch()
            let file = scratch.path + "/libbad.so"
            let text = Source.plugin(
                "try-bad", waitMs: 10, more: "#include <stdlib.h>",
                body: "char *volatile memory = malloc(10); free(memory); memory[3] = 1;")
            try Data(text.utf8).write(to: URL(filePath: scratch.path + "/bad.c"))
            _ = try await Command.shell(
                "cc -g -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(scratch.path)/bad.c' -o '\(file)'",
                in: scratch)
            let command = try await valgrind(file, in: scratch)
            #expect(try await command.ended(within: .seconds(120)) == .exited(99), "\(command.errors)")
            #expect(command.errors.contains("Invalid write of size 1"), "\(command.errors)")
            #expect(command.errors.contains("run (bad.c:9)"), "\(command.errors)")
        }

        @Test(.enabled("no lldb starts here") { try await Tools.lldb() != nil })
        func `lldb stops in a routine, and goes on to the end`() async throws {
            let step = try await Step()
            let output = try await step.debug(
                try #require(try await Tools.lldb()), "--batch", "-o",
                "breakpoint set --file step.c --line \(step.line)", "-o", "run",
                "-o", "frame info", "-o", "breakpoint delete --force", "-o", "continue", "--")
            #expect(output.contains("`run(") && output.contains("at step.c:\(step.line)"), "\(output)")
            #expect(output.contains("exited with status = 0"), "\(output)")
        }
    }
}

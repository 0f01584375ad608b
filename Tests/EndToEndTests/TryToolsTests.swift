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

        @Test(.enabled(if: Tools.has("gdb"))) func `gdb stops in a routine, and goes on to the end`() async throws {
            let scratch = try Scratch()
            let source = scratch.path + "/step.c"
            try Data(Source.plugin("try-step", waitMs: 10, body: "puts(\"a cycle\");").utf8).write(
                to: URL(filePath: source))
            _ = try await Command.shell(
                "cc -g -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' '\(source)' -o '\(scratch.path)/libstep.so'",
                in: scratch)
            let command = try Command(
                [
                    "/usr/bin/env", "gdb", "-q", "-batch", "-ex", "set breakpoint pending on", "-ex", "break step.c:9",
                    "-ex", "run", "-ex", "info source", "-ex", "delete", "-ex", "continue", "--args", try Program.path,
                    "try", scratch.path + "/libstep.so", "--cycles", "2",
                ], in: scratch)
            #expect(try await command.ended(within: .seconds(120)) == .exited(0))
            #expect(command.output.contains("Current source file is \(source)"), "\(command.output)")
            #expect(command.output.contains("exited normally"), "\(command.output)")
        }
    }
}

import FoundationEssentials
import Glibc
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// What plugins are linked with, as the system's real linkers and loaders treat it.
    @Suite struct Linking {
        /// Forbids memory that is writable and executable, as systemd's MemoryDenyWriteExecute= does, and executes the
        /// rest of its arguments: PR_SET_MDWE of prctl(2), Linux 6.3.
        private static let denying = """
            #include <sys/prctl.h>
            #include <unistd.h>
            int main(int count, char **arguments) {
                if (prctl(65, 1, 0, 0, 0)) { return 9; }
                if (count > 1) { execv(arguments[1], arguments + 1); }
                return 0;
            }
            """

        /// A plugin that the loader refuses, and what its refusal says.
        struct Refused: Sendable, CustomTestStringConvertible {
            let name: String
            var more = ""
            let body: String
            var flags = ""
            let hint: String
            var isDenied = false
            var testDescription: String { name }
        }

        private static let refused = [
            Refused(
                name: "static-tls",
                more: "static __thread char big[1 << 20] __attribute__((tls_model(\"initial-exec\")));",
                body: "big[schedhost_cycle(scheduler) & 1] = 1;", hint: "-ftls-model=global-dynamic"),
            Refused(name: "exec-stack", body: "", flags: "-z execstack", hint: "-z noexecstack", isDenied: true),
            Refused(
                name: "sanitized", more: "void __asan_init(void);", body: "__asan_init();", flags: "-Wl,-z,now",
                hint: "-fsanitize=address"),
        ]

        @Test(arguments: refused) func `the loader's refusal comes with the mend`(_ one: Refused) async throws {
            let scratch = try Scratch()
            try await Self.compile(
                one.name, Source.plugin(one.name, waitMs: 1000, more: one.more, body: one.body), one.flags, in: scratch)
            var line = "exec \"$@\""
            if one.isDenied {
                try Data(Self.denying.utf8).write(to: URL(filePath: scratch.path + "/deny.c"))
                _ = try await Command.shell("cd '\(scratch.path)' && cc deny.c -o deny", in: scratch)
                let probe = try Command([scratch.path + "/deny"], in: scratch)
                // An older kernel has no such rule, and nothing refuses the plugin.
                if try await probe.ended() != .exited(0) { return }
                line = "exec ./deny \"$@\""
            }
            let host = try Host(shell: line, in: scratch)
            try await host.line("\(one.name).so", one.hint)
        }

        /// How a plugin asks that modules which it loads itself find the libraries that it is linked with.
        struct Sharing: Sendable, CustomTestStringConvertible {
            let isolation: String
            let flags: String
            let isFound: Bool
            var testDescription: String { "\(isolation)\(flags)" }
        }

        private static let sharings = [
            Sharing(isolation: "plugin", flags: "", isFound: true),
            Sharing(isolation: "routine", flags: "", isFound: true),
            Sharing(isolation: "shared", flags: ", .flags = SCHEDHOST_GLOBAL_LIBRARIES", isFound: true),
            // Its neighbours in the worker are not to find them by accident.
            Sharing(isolation: "shared", flags: "", isFound: false),
        ]

        /// As interpreters do: their modules use the interpreter's library without being linked with it.
        @Test(arguments: sharings) func `modules that a plugin loads find its libraries`(_ one: Sharing) async throws {
            let scratch = try Scratch()
            let folder = scratch.path
            try Data("int core(void) { return 42; }".utf8).write(to: URL(filePath: folder + "/core.c"))
            try Data("int core(void);\nint answer(void) { return core(); }".utf8)
                .write(to: URL(filePath: folder + "/module.c"))
            _ = try await Command.shell(
                "cd '\(folder)' && cc -shared -fPIC core.c -o libcore.so && cc -shared -fPIC module.c -o module.so",
                in: scratch)
            let text = Source.plugin(
                "interpreter", waitMs: 100, more: "#include <dlfcn.h>\nint core(void);",
                body: """
                    void *module = dlopen("\(folder)/module.so", RTLD_NOW);
                    int (*answer)(void) = module ? (int (*)(void))dlsym(module, "answer") : core;
                    schedhost_info(scheduler, "%s", module ? "found" : dlerror());
                    return answer() == 42 ? SCHEDHOST_OK : SCHEDHOST_ERROR;
                    """
            ).replacing(".routines = routines", with: ".routines = routines\(one.flags)")
            try await Self.compile("interpreter", text, "-L. -lcore -Wl,-rpath,'\(folder)'", in: scratch)
            try scratch.write("{ isolation: \"\(one.isolation)\" }", to: "interpreter.json5")
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            try await host.ended()
            #expect(
                host.lines("interpreter/run", one.isFound ? "found" : "undefined symbol: core").count == 1,
                "\(host.log)")
        }

        private static let python = """
            command -v python3-config >/dev/null && test -f "$(python3 -c \
            'import sysconfig as s; print(s.get_config_var("LIBDIR") + "/" + s.get_config_var("LDLIBRARY"))')" && \
            echo '#include <Python.h>' | cc $(python3-config --includes) -E - >/dev/null 2>&1
            """

        @Test func `a plugin that embeds Python imports modules in C`() async throws {
            let scratch = try Scratch()
            let probe = try Command(["/bin/sh", "-c", Self.python], in: scratch)
            // Where Python's headers and its shared library are not installed the test above has the same shape.
            if try await probe.ended() != .exited(0) { return }
            let text = Source.plugin(
                "embedding", waitMs: 100, more: "#include <Python.h>",
                body: """
                    if (!Py_IsInitialized()) { Py_Initialize(); }
                    if (PyRun_SimpleString("import math, json, _ctypes\\nprint('imported', math.sqrt(4), flush=True)")) {
                        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "python failed");
                    }
                    """)
            try await Self.compile(
                "embedding", text,
                """
                $(python3-config --includes) $(python3-config --embed --ldflags) \
                -Wl,-rpath,$(python3 -c 'import sysconfig as s; print(s.get_config_var("LIBDIR"))')
                """, in: scratch)
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            #expect(host.lines("imported 2.0").count == 2, "\(host.log)")
        }

        @Test(.enabled(if: HostProcess.user == 0, "only root can make a program of another user's"))
        func `a program that a plugin runs gains no privileges`() async throws {
            let scratch = try Scratch()
            let text =
                "#include <unistd.h>\n#include <stdio.h>\nint main(void) { printf(\"euid %d\\n\", (int)geteuid()); }"
            try Data(text.utf8).write(to: URL(filePath: scratch.path + "/other.c"))
            _ = try await Command.shell(
                "cd '\(scratch.path)' && chmod 755 . && cc other.c -o other && chown 65534 other && chmod 4755 other && ./other >seen",
                in: scratch)
            // A file system that is mounted nosuid tells nothing.
            if scratch.text("seen") != "euid 65534\n" { return }
            let body = "if (system(\"\(scratch.path)/other\") != 0) { return SCHEDHOST_ERROR; }"
            try await Self.compile(
                "gainer", Source.plugin("gainer", waitMs: 100, more: "#include <stdlib.h>", body: body), "", in: scratch
            )
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0))
            #expect(host.lines("euid 0").count == 1, "\(host.log)")
        }

        /// The three ways in which Swift code comes to the main actor.
        private static let onMainActor = """
            import PluginAPI
            @MainActor private var count = 0
            @MainActor private func next() -> Int { count += 1; return count }
            let plugin = Plugin("on-main-actor", version: "1.0.0") {
                Routine("run", wait: .milliseconds(50)) { scheduler async in
                    let first = await MainActor.run { next() }
                    let second = await next()
                    let third = await Task { @MainActor in next() }.value
                    scheduler.log.info("\\(first) \\(second) \\(third)")
                }
            }
            @c(schedhost_plugin_v1) public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }
            """

        @Test func `Swift's main actor works in a routine`() async throws {
            let scratch = try Scratch()
            try Data(Self.onMainActor.utf8).write(to: URL(filePath: scratch.path + "/actor.swift"))
            let folder = try Program.folder
            _ = try await Command.shell(
                """
                cd '\(scratch.path)' && swiftc -emit-library -parse-as-library -module-name actor actor.swift \
                -I '\(folder)/Modules' -I '\(Fixtures.root)/Sources/PluginAPI/C/include' \
                -L '\(folder)' -lPluginAPI -Xlinker -rpath -Xlinker '\(folder)' -o plugins/actor.so
                """, in: scratch)
            try scratch.write("{ timeout_ms: 5000 }", to: "on-main-actor.json5")
            let host = try Host("--max-cycles", "2", "--exit-when-idle", in: scratch)
            #expect(try await host.ended(within: .seconds(60)) == .exited(0), "\(host.log)")
            #expect(host.lines("1 2 3").count == 1 && host.lines("4 5 6").count == 1, "\(host.log)")
        }

        @Test(.enabled(if: HostProcess.user == 0, "only root can make a program of another user"))
        func `a program's set-user-id bit has no effect in a plugin, and the manual says so`() async throws {
            let scratch = try Scratch()
            try Data(
                "#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf(\"is %d\\n\", (int)geteuid()); }".utf8
            )
            .write(to: URL(filePath: scratch.path + "/other.c"))
            _ = try await Command.shell(
                "cd '\(scratch.path)' && cc other.c -o other && chown 65534 other && chmod 4755 other && ./other | grep 65534",
                in: scratch)
            let body = """
                char text[64] = "";
                FILE *output = popen("\(scratch.path)/other", "r");
                if (output != NULL) {
                    if (fgets(text, sizeof text, output) == NULL) { text[0] = 0; }
                    pclose(output);
                }
                schedhost_info(scheduler, "%s", text);
                """
            try await Self.compile("starter", Source.plugin("starter", waitMs: 50, body: body), "", in: scratch)
            let host = try Host("--max-cycles", "1", "--exit-when-idle", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            #expect(host.lines("starter/run", "is 0").count == 1, "\(host.log)")
            let manual = try await Program.run("man", in: scratch)
            #expect(manual.output.contains("can gain privileges"))
        }

        private static func compile(_ name: String, _ text: String, _ flags: String, in scratch: Scratch) async throws {
            try Data(text.utf8).write(to: URL(filePath: "\(scratch.path)/\(name).c"))
            _ = try await Command.shell(
                """
                cd '\(scratch.path)' && cc -w -shared -fPIC -I '\(Fixtures.root)/Sources/PluginAPI/C/include' \
                '\(name).c' \(flags) -o 'plugins/\(name).so'
                """, in: scratch)
        }
    }
}

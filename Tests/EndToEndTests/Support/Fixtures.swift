import FoundationEssentials
import Glibc
import HostSystem
import HostValues

/// Plugins, each compiled once a run, by the compiler as an author calls it.
enum Fixtures {
    /// The repository.
    static let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }

    /// Where they are; removed at exit.
    private static let directory: String = {
        let path = "/tmp/schedhost-e2e-fixtures-\(HostProcess.pid)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { Fixtures.remove() }
        return path
    }()

    private static func remove() { try? FileManager.default.removeItem(atPath: directory) }

    /// Compiles what is not there yet: names of `Tests/Fixtures/build`.
    static func build(_ names: String...) async throws {
        let missing = names.filter { !FileManager.default.fileExists(atPath: file(of: $0)) }
        if missing.isEmpty { return }
        let words = missing.map { "'\($0)'" }.joined(separator: " ")
        _ = try await Command.shell("'\(root)/Tests/Fixtures/build' '\(directory)' \(words)", in: Scratch())
    }

    /// Compiles a plugin from a text by the one line of the README. Another test may have another text of that name.
    static func build(_ name: String, c text: String) async throws {
        let source = "\(directory)/\(name).c"
        if FileManager.default.fileExists(atPath: file(of: name)), Scratch.text(source) == text { return }
        try Data(text.utf8).write(to: URL(filePath: source))
        _ = try await Command.shell(
            "cc -shared -fPIC -I '\(root)/Sources/PluginAPI/C/include' '\(source)' -o '\(file(of: name))'",
            in: Scratch())
    }

    /// The file that a fixture is compiled to.
    static func file(of name: String) -> String {
        name.hasPrefix("bad:") ? "\(directory)/lib-bad-\(name.dropFirst(4)).so" : "\(directory)/lib\(name).so"
    }

    /// Copies a compiled fixture.
    static func copy(_ name: String, to path: String) throws {
        try FileManager.default.copyItem(atPath: file(of: name), toPath: path)
    }

    /// A compiled fixture's bytes.
    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: file(of: name))))
    }
}

/// Texts of small plugins in C.
enum Source {
    /// One routine `run` with that body, which may use `scheduler`.
    static func plugin(_ id: String, waitMs: Int, more: String = "", fields: String = "", body: String) -> String {
        """
        #define _GNU_SOURCE
        #include <schedhost/plugin.h>
        #include <stdio.h>
        #include <time.h>
        #include <unistd.h>
        \(more)
        static int32_t run(const schedhost_scheduler *scheduler, void *user) {
            (void)scheduler, (void)user;
            \(body)
            return SCHEDHOST_OK;
        }
        static const schedhost_routine routine = {
            SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = \(waitMs), .run = run\(fields)};
        static const schedhost_routine *const routines[] = {&routine, NULL};
        static const schedhost_plugin plugin = {
            SCHEDHOST_SIZED(schedhost_plugin), .id = "\(id)", .version = "1.0.0", .routines = routines};
        SCHEDHOST_PLUGIN(&plugin)
        """
    }

    /// Waits for an hour between two cycles.
    static func sleeper(_ id: String) -> String { plugin(id, waitMs: 3_600_000, body: "") }
    /// Never returns from its first cycle, and never asks whether it should.
    static let stuck = plugin("stuck", waitMs: 1000, body: "for (;;) { pause(); }")
    /// A first cycle that lasts until the host asks to stop.
    static let patient = plugin("patient", waitMs: 1000, body: "schedhost_sleep_ms(scheduler, 3600000);")
    /// Back to back.
    static let busy = plugin("busy", waitMs: 0, body: "")
}

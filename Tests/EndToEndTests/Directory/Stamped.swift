import FoundationEssentials
import Glibc
import HostInspection
import HostSystem

/// Many plugins from one compiler run: id and version are written into the bytes of a template.
enum Stamped {
    private static let id = "plug-00000000"
    private static let version = "vers-00000000"

    private static let source = """
        #include <schedhost/plugin.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        static int32_t start(const schedhost_scheduler *scheduler, void *user) {
            const char *path = getenv("TRACE");
            (void)user;
            if (path != NULL) {
                char line[160];
                int size = snprintf(line, sizeof line, "%s %s\\n", scheduler->host->place(scheduler)->session, "\(version)");
                int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
                if (file < 0 || write(file, line, (size_t)size) != size) { return SCHEDHOST_ERROR; }
                close(file);
            }
            return SCHEDHOST_OK;
        }
        static int32_t run(const schedhost_scheduler *scheduler, void *user) {
            (void)scheduler, (void)user;
            return SCHEDHOST_OK;
        }
        static const schedhost_routine routine = {
            SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = 20, .start = start, .run = run};
        static const schedhost_routine *const routines[] = {&routine, NULL};
        static const schedhost_plugin plugin = {
            SCHEDHOST_SIZED(schedhost_plugin), .id = "\(id)", .version = "\(version)", .routines = routines};
        SCHEDHOST_PLUGIN(&plugin)
        """

    /// Compiles the template.
    static func prepare() async throws { try await Fixtures.build("stamped", c: source) }

    static func id(_ number: Int) -> String { "plug-" + digits(number) }
    static func version(_ number: Int) -> String { "vers-" + digits(number) }

    private static func digits(_ number: Int) -> String { String(String(100_000_000 + number).dropFirst()) }

    /// The file of a plugin.
    static func bytes(id number: Int, version: Int) throws -> [UInt8] {
        var bytes = try Fixtures.bytes("stamped")
        replace(id, with: self.id(number), in: &bytes)
        replace(self.version, with: self.version(version), in: &bytes)
        return bytes
    }

    private static func replace(_ old: String, with new: String, in bytes: inout [UInt8]) {
        let (old, new) = (Array(old.utf8), Array(new.utf8))
        var at = 0
        while at + old.count <= bytes.count {
            if bytes[at] == old[0], bytes[at..<at + old.count].elementsEqual(old) {
                bytes.replaceSubrange(at..<at + old.count, with: new)
                at += old.count
            } else {
                at += 1
            }
        }
    }

    /// The name that the host gives to a content.
    static func hash(_ bytes: [UInt8]) -> String {
        var hash = ContentHash()
        unsafe bytes.withUnsafeBytes { buffer in unsafe hash.take(buffer) }
        return hash.name
    }
}

extension Host {
    /// The contents that its workers have loaded, one for each worker.
    var loadedContents: [String] {
        workers.compactMap { worker in
            let line = Processes.maps(of: worker).split(separator: "\n").first { $0.contains("/state/plugins/") }
            guard let file = line?.split(separator: "/").last, file.hasSuffix(".so") else { return nil }
            return String(file.dropLast(3))
        }.sorted()
    }

    /// The worker that has the plugin of that file loaded: its name is the last word of the worker's command line.
    func worker(of file: String) -> Int32? {
        workers.first { worker in
            Scratch.text("/proc/\(worker)/cmdline").split(separator: "\0").last.map(String.init) == file
                && Processes.maps(of: worker).contains("/state/plugins/")
        }
    }

    /// The contents of which it keeps copies.
    var copies: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: scratch.state + "/plugins")) ?? []
        return names.filter { $0.hasSuffix(".so") }.map { String($0.dropLast(3)) }.sorted()
    }

    /// Awaits that exactly those plugins run.
    func awaitContents(_ contents: [String], within limit: Duration = .seconds(20)) async throws {
        try await eventually("\(contents) to be all that runs, not \(self.loadedContents)\n\(self.log)", within: limit)
        {
            self.loadedContents == contents.sorted()
        }
    }
}

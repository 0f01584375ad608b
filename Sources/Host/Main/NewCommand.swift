internal import HostCommandLine
internal import HostSystem

/// `new`: creates the template of a plugin.
enum NewCommand {
    static func new(_ options: NewOptions) throws -> ExitStatus {
        let files = PluginTemplate.files(options, installed: Installation.found)
        do throws(SystemError) {
            let here = try Directory(".")
            try here.makeDirectory(options.name)
            let folder = try here.directory(options.name)
            for (name, text) in files {
                let file = try folder.create(name, mode: 0o644)
                try file.writeAll(Array(text.utf8), subject: folder.child(name))
            }
        } catch {
            let mend = error.isExisting ? ": choose another name, or remove it" : ""
            Complaint.say("\(error)\(mend)")
            return .cannotCreate
        }
        StandardStream.output.write(
            """
            \(options.name)/ has a plugin in \(options.language == .c ? "C" : "Swift"):

                cd \(options.name)
                make        builds lib\(options.name).so
                make run    runs five cycles of it
                make check  says whether it is a good plugin
                make test   runs an hour of it in virtual time

            """)
        return .success
    }
}

/// The locations of the files that plugin authors need.
struct Installation {
    /// The directory of `schedhost/plugin.h`.
    var include: String
    /// The directories of the Swift module `PluginAPI` and of its library.
    var module: String
    var library: String
    /// The path of the running program.
    var program: String

    /// The installation found by searching upwards from the program's location: an installation prefix or a source
    /// tree.
    static var found: Installation? {
        guard let program = HostProcess.executable else { return nil }
        var parts = program.split(separator: "/").map { String($0) }
        let folder = "/" + parts.dropLast().joined(separator: "/")
        while parts.popLast() != nil {
            let root = "/" + parts.joined(separator: "/")
            if isThere(root + "/include/schedhost", "plugin.h") {
                let swift = root + "/lib/schedhost/swift"
                return Installation(include: root + "/include", module: swift, library: swift, program: program)
            }
            let sources = root + "/Sources/PluginAPI/C/include"
            if isThere(sources + "/schedhost", "plugin.h") {
                return Installation(include: sources, module: folder + "/Modules", library: folder, program: program)
            }
        }
        return nil
    }

    private static func isThere(_ folder: String, _ name: String) -> Bool {
        (try? Directory(folder).status(name, followLink: true)) != nil
    }
}

/// The files of a new plugin.
enum PluginTemplate {
    static func files(_ options: NewOptions, installed: Installation?) -> [(name: String, text: String)] {
        let fill = { (text: String) in text.replacing("@NAME@", with: options.name) }
        let makefile = options.language == .c ? cMakefile : swiftMakefile
        let include = installed?.include ?? "/usr/local/include"
        let swift = "/usr/local/lib/schedhost/swift"
        let built = makefile.replacing("@INCLUDE@", with: include)
            .replacing("@MODULE@", with: installed?.module ?? swift)
            .replacing("@LIBRARY@", with: installed?.library ?? swift)
            .replacing("@IDENTIFIER@", with: "plugin_" + options.name.replacing("-", with: "_"))
            .replacing("@PROGRAM@", with: installed?.program ?? "schedhost")
        return [
            (
                options.language == .c ? "\(options.name).c" : "\(options.name).swift",
                fill(options.language == .c ? c : self.swift)
            ),
            ("Makefile", fill(built)),
            ("README.md", fill(readme)),
            (".gitignore", "/build/\n*.so\n"),
        ]
    }

    private static let c = """
        /* The plugin @NAME@: one routine, which is run every second. */
        #include <schedhost/plugin.h>

        static int32_t tick(const schedhost_scheduler *scheduler, void *user) {
            (void)user;
            const char *greeting = schedhost_param_string(scheduler, "greeting", "hello");
            schedhost_info(scheduler, "%s, cycle %" PRIu64, greeting, schedhost_cycle(scheduler));
            return SCHEDHOST_OK; /* or: return schedhost_fail(scheduler, SCHEDHOST_ERROR, "why"); */
        }

        static const schedhost_parameter greeting = {
            SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING, .name = "greeting",
            .default_value = "hello", .description = "what each cycle says"};
        static const schedhost_parameter *const parameters[] = {&greeting, NULL};

        static const schedhost_routine routine = {
            SCHEDHOST_SIZED(schedhost_routine), .name = "tick", .description = "says hello", .wait_ms = 1000, .run = tick};
        static const schedhost_routine *const routines[] = {&routine, NULL};

        static const schedhost_plugin plugin = {
            SCHEDHOST_SIZED(schedhost_plugin), .id = "@NAME@", .version = "0.1.0", .description = "says hello",
            .parameters = parameters, .routines = routines};
        SCHEDHOST_PLUGIN(&plugin)

        """

    private static let swift = """
        // The plugin @NAME@: one routine, which is run every second.
        import PluginAPI

        let greeting = Parameter("greeting", default: "hello", description: "what each cycle says")

        let plugin = Plugin("@NAME@", version: "0.1.0", description: "says hello", parameters: [greeting]) {
            Routine("tick", wait: .seconds(1), description: "says hello") { scheduler in
                scheduler.log.info("\\(scheduler[greeting]), cycle \\(scheduler.cycle)")
            }
        }

        @c(schedhost_plugin_v1)
        public func entry() -> UnsafePointer<schedhost_plugin> { plugin.descriptor }

        """

    private static let cMakefile = """
        # make builds the plugin, make run runs five cycles of it, make check says whether it is a good one, make test runs an
        # hour of it in virtual time.
        CFLAGS ?= -O2 -g -Wall -Wextra
        SCHEDHOST ?= @PROGRAM@
        FLAGS := $(shell pkg-config --cflags schedhost-plugin 2>/dev/null || echo -I@INCLUDE@)

        lib@NAME@.so: @NAME@.c
        \t$(CC) $(CFLAGS) $(FLAGS) -fvisibility=hidden -shared -fPIC $^ $(LDFLAGS) -o $@.new
        \tmv $@.new $@

        \(targets)
        """

    private static let swiftMakefile = """
        # make builds the plugin, make run runs five cycles of it, make check says whether it is a good one, make test runs an
        # hour of it in virtual time.
        SWIFTC ?= swiftc
        SWIFTFLAGS ?= -O -g
        SCHEDHOST ?= @PROGRAM@
        # The module and library PluginAPI, made by the same compiler, and the C headers.
        FLAGS := -I@MODULE@ -I@INCLUDE@ -L@LIBRARY@ -lPluginAPI

        lib@NAME@.so: @NAME@.swift
        \t$(SWIFTC) $(SWIFTFLAGS) -emit-library -parse-as-library -module-name @IDENTIFIER@ $^ $(FLAGS) -o $@.new
        \tmv $@.new $@

        \(targets)
        """

    private static let targets = """
        run: lib@NAME@.so
        \tmkdir -p build/plugins
        \tcp lib@NAME@.so build/plugins/
        \t$(SCHEDHOST) --plugins build/plugins --state build/state --max-cycles 5 --exit-when-idle

        check: lib@NAME@.so
        \t$(SCHEDHOST) check ./lib@NAME@.so

        # An hour of virtual time has a cycle for each second, and none that failed: try ends with status 1 where a session did.
        test: lib@NAME@.so
        \tmkdir -p build
        \t$(SCHEDHOST) try ./lib@NAME@.so --for 1h --json > build/hour.json
        \tgrep -q '"name":"tick","sessions":1,"failed_sessions":0,"cycles":3600,' build/hour.json
        \t@echo "test: as expected"

        clean:
        \trm -rf lib@NAME@.so build

        .PHONY: run check test clean

        """

    private static let readme = """
        # @NAME@

        A plugin for schedhost.

            make            builds lib@NAME@.so
            make run        runs five cycles of it
            make check      says whether it is a good plugin
            make test       runs an hour of it in virtual time, and looks at what came of it

        To let it run, copy `lib@NAME@.so` into the plugins directory of a host; it starts within 100 ms. To change what
        it does there, put a file `@NAME@.json5` beside it:

            { wait_ms: 5000, params: { greeting: "good morning" } }

        `schedhost list --plugins DIR` shows what may be set, and `man schedhost-plugin` what a plugin can do.

        """
}

/// The files of a new plugin in C.
enum CTemplate {
    static let files: [(path: String, text: String)] = [
        ("@NAME@.c", source), ("Makefile", makefile), (".gitignore", "/build/\n*.so\n"),
    ]

    private static let source = """
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

    private static let makefile = """
        # make builds the plugin, make run runs five cycles of it, make check says whether it is a good one, make test runs an
        # hour of it in virtual time.
        CFLAGS ?= -O2 -g -Wall -Wextra
        SCHEDHOST ?= @PROGRAM@
        FLAGS := $(shell pkg-config --cflags schedhost-plugin 2>/dev/null || echo -I@INCLUDE@)

        lib@NAME@.so: @NAME@.c
        \t$(CC) $(CFLAGS) $(FLAGS) -fvisibility=hidden -shared -fPIC $^ $(LDFLAGS) -o $@.new
        \tmv $@.new $@

        # An hour of virtual time has a cycle for each second, and none that failed: try ends with status 1 where a session did.
        test: lib@NAME@.so
        \tmkdir -p build
        \t$(SCHEDHOST) try ./lib@NAME@.so --for 1h --json > build/hour.json
        \tgrep -q '"name":"tick","sessions":1,"failed_sessions":0,"cycles":3600,' build/hour.json
        \t@echo "test: as expected"

        \(PluginTemplate.targets)
        """
}

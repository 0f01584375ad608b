/* A plugin that does nothing wrong, and notices when others make it late. */
#define _GNU_SOURCE
#include <schedhost/plugin.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static struct {
    int trace;       /* the file of the parameter `trace`, or -1 */
    int64_t last_us; /* when the last cycle began; 0 before the first one */
    int64_t max_gap_us;
    uint64_t max_gap_cycle;
    uint64_t cycles;
} state = {-1, 0, 0, 0, 0};

static int64_t boot_us(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) {
        return 0;
    }
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    const char *path = schedhost_param_string(scheduler, "trace", "");
    (void)user;
    state.last_us = state.max_gap_us = 0;
    state.max_gap_cycle = state.cycles = 0;
    state.trace = -1;
    if (path[0] != '\0') {
        state.trace = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (state.trace < 0) {
            return schedhost_fail(scheduler, SCHEDHOST_ERROR, "cannot open the trace '%s'", path);
        }
    }
    return SCHEDHOST_OK;
}

static int32_t beat(const schedhost_scheduler *scheduler, void *user) {
    int64_t now = boot_us();
    (void)user;
    if (state.last_us != 0 && now - state.last_us > state.max_gap_us) {
        state.max_gap_us = now - state.last_us;
        state.max_gap_cycle = schedhost_cycle(scheduler);
    }
    state.last_us = now;
    state.cycles++;
    if (state.trace >= 0) {
        char line[64];
        int size = snprintf(line, sizeof line, "%" PRIu64 " %" PRId64 "\n", schedhost_cycle(scheduler), now);
        if (size <= 0 || write(state.trace, line, (size_t)size) != size) {
            return schedhost_fail(scheduler, SCHEDHOST_ERROR, "cannot write the trace");
        }
    }
    return SCHEDHOST_OK;
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    (void)scheduler, (void)user;
    if (state.trace >= 0) {
        (void)close(state.trace);
        state.trace = -1;
    }
    return SCHEDHOST_OK;
}

static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    (void)schedhost_stat_int(scheduler, "beats", (int64_t)state.cycles);
    (void)schedhost_stat_int(scheduler, "max_gap_us", state.max_gap_us);
    (void)schedhost_stat_int(scheduler, "max_gap_cycle", (int64_t)state.max_gap_cycle);
    return SCHEDHOST_OK;
}

static const schedhost_parameter trace = {SCHEDHOST_SIZED(schedhost_parameter),
                                          .type = SCHEDHOST_PARAM_STRING,
                                          .name = "trace",
                                          .default_value = "",
                                          .description = "a file that gets one line a cycle: cycle, boot time in us"};
static const schedhost_parameter *const parameters[] = {&trace, NULL};

static const schedhost_routine routine = {SCHEDHOST_SIZED(schedhost_routine),
                                          .name = "beat",
                                          .description = "measures the gaps between its own cycles",
                                          .wait_ms = 10,
                                          .start = start,
                                          .run = beat,
                                          .stop = stop,
                                          .stats = stats};
static const schedhost_routine *const routines[] = {&routine, NULL};

static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin),
                                        .id = "healthy",
                                        .version = "1.0.0",
                                        .description = "a good neighbour",
                                        .parameters = parameters,
                                        .routines = routines};
SCHEDHOST_PLUGIN(&plugin)

/* A plugin that notices when two hosts run it at once. All hosts of a cluster share the files of its parameter `log`.
 *
 * Each session holds the lock of LOG.session from its start to its end, and each cycle that of LOG; who is refused one of
 * them runs beside somebody else. The kernel drops a lock when its process dies and not before: so it is exact for those
 * that are stopped or killed too. Lines are written into LOG under its lock, so they stand there in the order of the
 * cycles:
 *
 *     WORD TOKEN HOST PID BOOT_NS     WORD: session, start, end, overlap, session-overlap */
#define _GNU_SOURCE
#include <schedhost/plugin.h>

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { CYCLE_MS = 40, WAIT_MS = 50 }; /* mostly it is in a cycle: there a fault does the greatest harm */

static struct {
    int log, session;
} files = {-1, -1};

static void note(const schedhost_scheduler *scheduler, const char *word) {
    char line[160];
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    int size = snprintf(line, sizeof line, "%s %" PRIu64 " %s %d %" PRId64 "\n", word, schedhost_lease_token(scheduler),
                        schedhost_param_string(scheduler, "host", "-"), (int)getpid(),
                        (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    if (write(files.log, line, (size_t)size) != size) {
        schedhost_log(scheduler, SCHEDHOST_LOG_ERROR, "a line cannot be written: what is seen of this run is not true");
    }
}

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    char path[4096];
    const char *log = schedhost_param_string(scheduler, "log", "");
    (void)user;
    (void)snprintf(path, sizeof path, "%s.session", log);
    files.log = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    files.session = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (files.log < 0 || files.session < 0) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "cannot open '%s'", log);
    }
    note(scheduler, flock(files.session, LOCK_EX | LOCK_NB) == 0 ? "session" : "session-overlap");
    return SCHEDHOST_OK;
}

static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    if (flock(files.log, LOCK_EX | LOCK_NB) != 0) {
        note(scheduler, "overlap");
        return SCHEDHOST_OK;
    }
    note(scheduler, "start");
    (void)usleep(CYCLE_MS * 1000);
    note(scheduler, "end");
    (void)flock(files.log, LOCK_UN);
    return SCHEDHOST_OK;
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    (void)scheduler, (void)user;
    (void)close(files.log);
    (void)close(files.session);
    files.log = files.session = -1;
    return SCHEDHOST_OK;
}

static const schedhost_parameter log_file = {SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING,
                                             .name = "log", .description = "the file that all hosts share"};
static const schedhost_parameter host = {SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING, .name = "host",
                                         .description = "what this host is called in it"};
static const schedhost_parameter *const parameters[] = {&log_file, &host, NULL};

static const schedhost_routine routine = {SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = WAIT_MS,
                                          .start = start, .run = run, .stop = stop};
static const schedhost_routine *const routines[] = {&routine, NULL};

static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "exclusive", .version = "1.0.0",
                                        .description = "notices when it runs twice", .parameters = parameters,
                                        .routines = routines};
SCHEDHOST_PLUGIN(&plugin)

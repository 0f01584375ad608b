/* LogTail: follows a log file, counts what its lines say, and goes on where it was after a restart. */
#define _GNU_SOURCE
#include <errno.h>

#include "../sessions.h"
#include "log_tail.h"

#define USUAL_FILE "/var/log/dpkg.log"
#define USUAL_PATTERNS "error|||warn"
#define UNREADABLE_CYCLES 3 /* so many in a row are an error: a file may be unreadable for a moment while it is rotated */

/* A session's state. Its callbacks never overlap. */
struct state {
    struct session session;
    struct follower follower;
    struct patterns patterns;
    schedhost_cache *cache; /* NULL: the host has none */
    bool has_stored;
    struct position stored;
    enum waiting told; /* what the log says about waiting */
    bool warned;       /* that the position cannot be kept */
    int unreadable;    /* for how many cycles in a row */
};

/* Stores the position if it is not what was stored last. */
static void keep_position(const schedhost_scheduler *scheduler, struct state *state) {
    struct position now;
    if (state->cache == NULL || !follow_position(&state->follower, &now) ||
        (state->has_stored && memcmp(&now, &state->stored, sizeof now) == 0)) {
        return;
    }
    if (position_store(scheduler, state->cache, state->follower.path, &now)) {
        state->stored = now;
        state->has_stored = true;
    } else if (!state->warned) {
        state->warned = true;
        schedhost_warning(scheduler, "the position in the file cannot be kept");
    }
}

/* Says once that there is nothing to follow, and once that there is again. */
static void tell_waiting(const schedhost_scheduler *scheduler, struct state *state) {
    const struct follower *follower = &state->follower;
    if (follower->waiting == state->told) {
        return;
    }
    state->told = follower->waiting;
    switch (follower->waiting) {
        case WAITING_NOT:
            schedhost_info(scheduler, "following %s", follower->path);
            return;
        case WAITING_ABSENT:
            schedhost_info(scheduler, "waiting for %s, which is not there yet", follower->path);
            return;
        case WAITING_UNREADABLE:
            schedhost_warning(scheduler, "cannot read %s: %s", follower->path,
                              follower->open_error == EINVAL ? "it is not a regular file"
                                                             : strerror(follower->open_error));
            return;
    }
}

/* The error of a cycle that is not the first one in which the file cannot be read. */
static int32_t fail_unreadable(const schedhost_scheduler *scheduler, const struct state *state) {
    const char *path = state->follower.path;
    int reason = state->follower.open_error;
    const char *slash = strrchr(path, '/');
    const char *text = reason == EINVAL ? "it is not a regular file" : strerror(reason);
    if (reason != EACCES && reason != EPERM) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "cannot read %s in %d cycles: %s (errno %d)", path,
                              state->unreadable, text, reason);
    }
    return schedhost_fail(scheduler, SCHEDHOST_ERROR,
                          "cannot read %s in %d cycles: %s (errno %d): where its mode permits that, the file is newer than "
                          "this worker's sandbox: keep the host's own directories out of the log's, and set sandbox: "
                          "{ read: [\"%.*s\"] }",
                          path, state->unreadable, text, reason, slash == NULL || slash == path ? 1 : (int)(slash - path),
                          slash == NULL ? "." : path);
}

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    const char *path = schedhost_param_string(scheduler, "file", USUAL_FILE);
    const char *patterns = schedhost_param_string(scheduler, "patterns", USUAL_PATTERNS);
    bool ignore_case = schedhost_param_bool(scheduler, "ignore_case", 1) != 0;
    char message[1536];
    struct position known;
    (void)user;
    struct state *state = session_begin(scheduler, sizeof *state);
    if (state == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory");
    }
    if (path[0] == '\0') {
        session_end(state);
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "the parameter 'file' is empty");
    }
    if (!patterns_compile(&state->patterns, patterns, ignore_case, message, sizeof message)) {
        session_end(state);
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter 'patterns': %s", message);
    }
    state->cache = schedhost_cache_disk(scheduler, "position", INT64_MAX, NULL, NULL);
    state->has_stored = position_load(scheduler, state->cache, path, &known);
    if (state->has_stored) {
        state->stored = known;
    }
    if (state->cache == NULL) {
        schedhost_info(scheduler, "the host keeps no caches: the next session will not know where this one ended");
    }
    follow_begin(&state->follower, path, &state->patterns, state->has_stored ? &known : NULL,
                 schedhost_param_bool(scheduler, "from_start", 0) != 0);
    tell_waiting(scheduler, state);
    /* After an error the first cycle says whether that is over: two that count as good would tell of a recovery each time. The
     * file before a rotation was read to its end by the session before, and is not waited for again. */
    if (schedhost_where(scheduler)->session_before == SCHEDHOST_BEFORE_ERROR) {
        state->unreadable = UNREADABLE_CYCLES - 1;
        state->follower.replaced = true;
    }
    return SCHEDHOST_OK;
}

static int32_t follow(const schedhost_scheduler *scheduler, void *user) {
    struct state *state = session_of(scheduler);
    const struct counts *counts = &state->follower.counts;
    const struct counts before = *counts;
    (void)user;
    if (follow_step(&state->follower, scheduler)) {
        schedhost_run_again_now(scheduler);
    }
    tell_waiting(scheduler, state);
    if (counts->truncations > before.truncations) {
        schedhost_info(scheduler, "%s was truncated: reading it from its start", state->follower.path);
    }
    if (counts->rotations > before.rotations) {
        schedhost_info(scheduler, "%s was rotated: the old file is read to its end", state->follower.path);
    }
    if (counts->bytes > before.bytes) {
        schedhost_log(scheduler, counts->matched > before.matched ? SCHEDHOST_LOG_INFO : SCHEDHOST_LOG_DEBUG,
                      "%" PRIu64 " new lines, %" PRIu64 " of them matching", counts->lines - before.lines,
                      counts->matched - before.matched);
    }
    keep_position(scheduler, state);
    state->unreadable = state->follower.waiting == WAITING_UNREADABLE ? state->unreadable + 1 : 0;
    return state->unreadable < UNREADABLE_CYCLES ? SCHEDHOST_OK : fail_unreadable(scheduler, state);
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    struct state *state = session_of(scheduler);
    (void)user;
    keep_position(scheduler, state);
    follow_end(&state->follower);
    patterns_free(&state->patterns);
    session_end(state);
    return SCHEDHOST_OK;
}

static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
    const struct state *state = session_of(scheduler);
    const struct counts *counts = &state->follower.counts;
    (void)user;
    (void)schedhost_stat_int(scheduler, "lines", (int64_t)counts->lines);
    (void)schedhost_stat_int(scheduler, "lines_matched", (int64_t)counts->matched);
    (void)schedhost_stat_int(scheduler, "lines_cut", (int64_t)counts->long_lines);
    (void)schedhost_stat_int(scheduler, "bytes", (int64_t)counts->bytes);
    (void)schedhost_stat_int(scheduler, "rotations", (int64_t)counts->rotations);
    (void)schedhost_stat_int(scheduler, "truncations", (int64_t)counts->truncations);
    for (size_t i = 0; i < state->patterns.count; i++) {
        (void)schedhost_stat_int(scheduler, state->patterns.list[i].column, (int64_t)state->patterns.list[i].count);
    }
    return SCHEDHOST_OK;
}

static const schedhost_parameter file = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "file",
    .default_value = USUAL_FILE,
    .description = "the file to follow; it may come later",
};
static const schedhost_parameter patterns = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "patterns",
    .default_value = USUAL_PATTERNS,
    .description = "up to 16 POSIX extended regular expressions, separated by newlines or |||",
};
static const schedhost_parameter ignore_case = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_BOOL,
    .name = "ignore_case",
    .default_value = "true",
    .description = "whether the patterns match capitals and small letters alike",
};
static const schedhost_parameter from_start = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_BOOL,
    .name = "from_start",
    .default_value = "false",
    .description = "whether a file seen for the first time is read from its start, not from its end",
};
static const schedhost_parameter *const parameters[] = {&file, &patterns, &ignore_case, &from_start, NULL};

static const schedhost_routine follower = {
    SCHEDHOST_SIZED(schedhost_routine),
    .name = "follow",
    .description = "reads what is new in the file, and counts the lines that match",
    .wait_ms = 1000,
    .start = start,
    .run = follow,
    .stop = stop,
    .stats = stats,
};
static const schedhost_routine *const routines[] = {&follower, NULL};

static const schedhost_plugin plugin = {
    SCHEDHOST_SIZED(schedhost_plugin),
    .id = "log-tail",
    .version = "1.0.0",
    .description = "follows a log file and counts what its lines say",
    .parameters = parameters,
    .routines = routines,
};
SCHEDHOST_PLUGIN(&plugin)

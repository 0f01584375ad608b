/* As much of a host as a store sees: its parameters, its log, and a text for errors on each thread. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "driver.h"

int32_t driver_level = SCHEDHOST_LOG_WARNING;
static _Thread_local char said[SCHEDHOST_MAX_MESSAGE + 1], asked[SCHEDHOST_MAX_MESSAGE + 1];

static int32_t log_enabled(const schedhost_scheduler *scheduler, int32_t level) {
    (void)scheduler;
    return level >= driver_level;
}
static void log_text(const schedhost_scheduler *scheduler, int32_t level, const char *text, size_t size) {
    if (log_enabled(scheduler, level)) {
        fprintf(stderr, "log %" PRId32 ": %.*s\n", level, (int)size, text);
    }
}
static int64_t now_ms(const schedhost_scheduler *scheduler) {
    struct timespec time;
    (void)scheduler;
    (void)clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}
static int32_t fail(const schedhost_scheduler *scheduler, int32_t code, const char *message) {
    (void)scheduler;
    (void)snprintf(said, sizeof said, "%s", message != NULL ? message : "");
    return code;
}
static int32_t stop_requested(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return 0;
}

const char *driver_failure(void *user) {
    (void)user;
    memcpy(asked, said, sizeof asked);
    said[0] = '\0';
    return asked;
}

/* Without the functions that a store may not call. */
static const schedhost_host host = {
    SCHEDHOST_SIZED(schedhost_host),
    .abi_minor = SCHEDHOST_ABI_MINOR,
    .host_version = "driver",
    .now_ms = now_ms,
    .log_enabled = log_enabled,
    .log = log_text,
    .param_string = given_string,
    .param_int = given_int,
    .param_double = given_double,
    .param_bool = given_bool,
    .params_json = given_json,
    .fail = fail,
    .stop_requested = stop_requested,
};
const schedhost_scheduler driver_scheduler = {SCHEDHOST_SIZED(schedhost_scheduler), .host = &host};

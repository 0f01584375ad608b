/* The function table of the tiny host. */
#include "harness.h"

#include <stdlib.h>

struct harness harness;

static const schedhost_place *place(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return &harness.place;
}
static int64_t now_ms(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return harness.now_ms;
}
static int64_t next_due_ms(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return harness.now_ms + (int64_t)harness.wait_ms;
}

static const char *level_name(int32_t level) {
    static const struct {
        int32_t level;
        const char *name;
    } names[] = {{50, "critical"}, {40, "error"}, {30, "warning"}, {25, "success"}, {20, "info"}, {10, "debug"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (level >= names[i].level) {
            return names[i].name;
        }
    }
    return "trace";
}
static int32_t log_enabled(const schedhost_scheduler *scheduler, int32_t level) {
    (void)scheduler;
    return level >= harness.level;
}
static void log_text(const schedhost_scheduler *scheduler, int32_t level, const char *text, size_t size) {
    if (log_enabled(scheduler, level)) {
        printf("%s: %.*s\n", level_name(level), size > 65536 ? 65536 : (int)size, text);
    }
}


static int32_t fail(const schedhost_scheduler *scheduler, int32_t code, const char *message) {
    (void)scheduler;
    (void)snprintf(harness.failure, sizeof harness.failure, "%s", message != NULL ? message : "");
    return code;
}
static int32_t stop_requested(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return harness.stop_requested;
}
static int32_t sleep_ms(const schedhost_scheduler *scheduler, uint64_t ms) {
    (void)scheduler;
    harness.now_ms += (int64_t)ms;
    return harness.stop_requested;
}
static void end_session(const schedhost_scheduler *scheduler, const char *reason) {
    (void)scheduler;
    harness.ended = 1;
    printf("end_session: %s\n", reason != NULL ? reason : "");
}
static int32_t set_wait_ms(const schedhost_scheduler *scheduler, uint64_t wait_ms) {
    (void)scheduler;
    if (wait_ms > UINT64_C(2678400000)) {
        return SCHEDHOST_INVALID;
    }
    harness.wait_ms = wait_ms;
    return SCHEDHOST_OK;
}
static int64_t lease_left_ms(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return INT64_MAX;
}
static void run_again_now(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    harness.again = 1;
}

static int32_t stat_int(const schedhost_scheduler *scheduler, const char *name, int64_t value) {
    (void)scheduler;
    printf("stat %s=%" PRId64 "\n", name, value);
    return SCHEDHOST_OK;
}
static int32_t stat_double(const schedhost_scheduler *scheduler, const char *name, double value) {
    (void)scheduler;
    printf("stat %s=%.3f\n", name, value);
    return SCHEDHOST_OK;
}
static int32_t stat_string(const schedhost_scheduler *scheduler, const char *name, const char *value) {
    (void)scheduler;
    printf("stat %s=%s\n", name, value);
    return SCHEDHOST_OK;
}

/* One unkeyed value a cache, kept for the life of the process: enough for peek and put. */
static int32_t open_cache(const schedhost_scheduler *scheduler, const char *name,
                          const schedhost_cache_options *options, schedhost_cache **cache) {
    (void)scheduler, (void)options;
    for (size_t i = 0; !harness.caches_off && i < sizeof harness.caches / sizeof harness.caches[0]; i++) {
        struct cache *each = &harness.caches[i];
        if (each->name[0] == '\0') {
            (void)snprintf(each->name, sizeof each->name, "%s", name);
        }
        if (strcmp(each->name, name) == 0) {
            *cache = (schedhost_cache *)(void *)each;
            return SCHEDHOST_OK;
        }
    }
    return SCHEDHOST_UNSUPPORTED;
}
static int32_t cache_get(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                         const schedhost_cache_request *request, schedhost_cache_value *value) {
    (void)scheduler, (void)cache, (void)request;
    value->state = SCHEDHOST_VALUE_NONE;
    return SCHEDHOST_UNSUPPORTED;
}
static int32_t cache_peek(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                          size_t key_size, schedhost_cache_value *value) {
    const struct cache *held = (const struct cache *)(const void *)cache;
    (void)scheduler, (void)key, (void)key_size;
    if (held->bytes == NULL) {
        return SCHEDHOST_NOT_FOUND;
    }
    value->state = SCHEDHOST_VALUE_HIT;
    value->data = held->bytes;
    value->size = held->size;
    value->generation = held->generation;
    return SCHEDHOST_OK;
}
static int32_t cache_invalidate(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                                size_t key_size) {
    struct cache *held = (struct cache *)(void *)cache;
    int32_t answer = held->bytes != NULL ? SCHEDHOST_OK : SCHEDHOST_NOT_FOUND;
    (void)scheduler, (void)key, (void)key_size;
    free(held->bytes);
    held->bytes = NULL;
    held->size = 0;
    return answer;
}
static int32_t cache_put(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                         size_t key_size, const void *bytes, size_t size) {
    struct cache *held = (struct cache *)(void *)cache;
    (void)cache_invalidate(scheduler, cache, key, key_size);
    held->bytes = malloc(size > 0 ? size : 1);
    if (held->bytes == NULL) {
        return SCHEDHOST_TOO_LARGE;
    }
    memcpy(held->bytes, bytes, size);
    held->size = size;
    held->generation++;
    return SCHEDHOST_OK;
}
static int32_t cache_put_object(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                                size_t key_size, void *object, void (*release)(void *object), size_t cost) {
    (void)scheduler, (void)cache, (void)key, (void)key_size, (void)object, (void)release, (void)cost;
    return SCHEDHOST_UNSUPPORTED;
}
static void cache_pin_or_release(const schedhost_scheduler *scheduler, const schedhost_cache_value *value) {
    (void)scheduler, (void)value;
}
static const char *cache_error(const schedhost_scheduler *scheduler, schedhost_cache *cache) {
    (void)scheduler, (void)cache;
    return "";
}
static int32_t cache_counters(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                              schedhost_cache_counters *counters) {
    (void)scheduler, (void)cache, (void)counters;
    return SCHEDHOST_UNSUPPORTED;
}
static const void *extension(const schedhost_scheduler *scheduler, const char *id) {
    (void)scheduler, (void)id;
    return NULL;
}

const schedhost_host harness_host = {
    SCHEDHOST_SIZED(schedhost_host),
    .abi_minor = SCHEDHOST_ABI_MINOR,
    .host_version = "harness",
    .place = place,
    .now_ms = now_ms,
    .next_due_ms = next_due_ms,
    .log_enabled = log_enabled,
    .log = log_text,
    .param_string = given_string,
    .param_int = given_int,
    .param_double = given_double,
    .param_bool = given_bool,
    .params_json = given_json,
    .fail = fail,
    .stop_requested = stop_requested,
    .sleep_ms = sleep_ms,
    .end_session = end_session,
    .set_wait_ms = set_wait_ms,
    .run_again_now = run_again_now,
    .stat_int = stat_int,
    .stat_double = stat_double,
    .stat_string = stat_string,
    .cache_memory = open_cache,
    .cache = open_cache,
    .cache_get = cache_get,
    .cache_peek = cache_peek,
    .cache_put = cache_put,
    .cache_put_object = cache_put_object,
    .cache_invalidate = cache_invalidate,
    .cache_pin = cache_pin_or_release,
    .cache_release = cache_pin_or_release,
    .cache_error = cache_error,
    .cache_counters = cache_counters,
    .extension = extension,
    .lease_left_ms = lease_left_ms,
};

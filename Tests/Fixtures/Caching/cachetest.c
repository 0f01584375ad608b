/* A plugin that tries the caches through the ABI. The parameter `scenario` says what; a scenario logs each
 * check that does not hold, and at its end `NAME: N checks, M failed`. */
#include "cachetest.h"

const schedhost_scheduler *self;
int checks, failures;

void check(int holds, int line, const char *what) {
    checks++;
    if (!holds) {
        failures++;
        schedhost_error_log(self, "FAILED line %d: %s", line, what);
    }
}

int32_t source(const schedhost_scheduler *scheduler, const void *key, size_t key_size, schedhost_writer *writer,
               void *user) {
    struct behaviour *b = user;
    int32_t code = SCHEDHOST_OK;
    (void)key, (void)key_size;
    atomic_fetch_add(&b->calls, 1);
    b->thread = pthread_self();
    b->scheduler = scheduler;
    if (b->sleep_ms > 0) {
        b->was_stopped = schedhost_sleep_ms(scheduler, (uint64_t)b->sleep_ms);
    }
    if (b->asks != NULL) {
        schedhost_cache_value value;
        b->answer = schedhost_cache_get(scheduler, b->asks, 0, 0, &value);
        if (b->answer == SCHEDHOST_OK) {
            code = schedhost_write(writer, value.data, value.size);
        }
    }
    if (b->ends) {
        schedhost_end_session(scheduler, "its source says so");
    }
    if (b->object != NULL) {
        code = writer->set_object(writer, b->object, b->cost == 0 ? NULL : free, b->cost);
    } else if (b->text != NULL) {
        code = schedhost_write(writer, b->text, strlen(b->text));
    } else if (b->asks == NULL || b->answer != SCHEDHOST_OK) {
        code = schedhost_write(writer, "", 0); /* an empty value: who writes nothing has made none */
    }
    if (b->message != NULL) {
        schedhost_fail(scheduler, b->code, "%s", b->message);
    }
    atomic_fetch_add(&b->finished, 1);
    return b->code != 0 ? b->code : code;
}

schedhost_cache *open_cache(const char *name, int disk, uint32_t flags, int64_t expire_ms, int64_t refresh_ms,
                            struct behaviour *behaviour) {
    schedhost_cache *cache = NULL;
    schedhost_cache_options options = {.struct_size = sizeof options, .flags = flags, .expire_ms = expire_ms,
                                       .refresh_after_ms = refresh_ms, .source = behaviour ? source : NULL,
                                       .user = behaviour};
    int32_t code = disk ? self->host->cache(self, name, &options, &cache)
                        : self->host->cache_memory(self, name, &options, &cache);
    CHECK(code == SCHEDHOST_OK && cache != NULL);
    return cache;
}

int is(const schedhost_cache_value *value, uint32_t state, const char *text) {
    return value->state == state && value->size == strlen(text) && memcmp(value->data, text, value->size) == 0;
}

int32_t get(schedhost_cache *cache, int fresh, int64_t tolerance_ms, schedhost_cache_value *value) {
    return schedhost_cache_get(self, cache, fresh, (double)tolerance_ms / 1000, value);
}

schedhost_cache_counters counters(schedhost_cache *cache) {
    schedhost_cache_counters c = {.struct_size = sizeof c};
    CHECK(self->host->cache_counters(self, cache, &c) == SCHEDHOST_OK);
    return c;
}

static const struct {
    const char *name;
    scenario run;
} scenarios[] = {
    {"arguments", run_arguments}, {"lifetimes", run_lifetimes}, {"objects", run_objects},
    {"threads", run_threads},     {"sources", run_sources},     {"refresh", run_refresh},
    {"again", run_again},         {"value", run_value},         {"save", run_save},
    {"big", run_big},             {"speed", run_speed},         {"put-speed", run_put_speed},
    {"poll", run_poll},
};

static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    const char *name = schedhost_param_string(scheduler, "scenario", "");
    (void)user;
    self = scheduler;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return scenarios[i].run(schedhost_cycle(scheduler));
        }
    }
    return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no scenario is called '%s'", name);
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    const char *name = schedhost_param_string(scheduler, "scenario", "");
    (void)user;
    if (strcmp(name, "refresh") == 0) {
        stop_refresh();
    }
    schedhost_info(scheduler, "%s: %d checks, %d failed", name, checks, failures);
    return SCHEDHOST_OK;
}

static const schedhost_parameter scenario_parameter = {SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING, .name = "scenario", .default_value = "arguments"};
static const schedhost_parameter text_parameter = {SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING, .name = "text", .default_value = ""};
static const schedhost_parameter count_parameter = {SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_INT, .name = "count", .default_value = "0"};
static const schedhost_parameter *const parameters[] = {&scenario_parameter, &text_parameter, &count_parameter, NULL};

static const schedhost_routine routine = {
    SCHEDHOST_SIZED(schedhost_routine), .name = "try", .wait_ms = 1, .run = run, .stop = stop};
static const schedhost_routine *const routines[] = {&routine, NULL};
static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "cachetest", .version = "1.0.0",
                                        .parameters = parameters, .routines = routines};
SCHEDHOST_PLUGIN(&plugin)

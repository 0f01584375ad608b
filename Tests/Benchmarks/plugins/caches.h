/* The modes that use caches. */
#ifndef BENCH_CACHES_H
#define BENCH_CACHES_H

#include "../limits/put.h"
#include "routine.h"

static int32_t source(const schedhost_scheduler *scheduler, const void *key, size_t key_size,
                      schedhost_writer *writer, void *user) {
    (void)scheduler, (void)key, (void)key_size, (void)user;
    return schedhost_write(writer, "value", 5);
}

static int32_t in_memory(const schedhost_scheduler *scheduler, struct routine *routine) {
    int64_t count = schedhost_param_int(scheduler, "count", 10000000);
    schedhost_cache *cache = schedhost_cache_memory(scheduler, "memory", INT64_MAX, source, NULL);
    schedhost_cache_value value;
    volatile size_t sum = 0;
    int fresh = routine->mode == 'l';
    int64_t begin = boot_ns();
    if (routine->mode == 'w') {
        for (int64_t i = 0; i < count; i++) {
            schedhost_cache_put(scheduler, cache, "value", 5);
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            if (schedhost_cache_get(scheduler, cache, fresh, 0, &value) == SCHEDHOST_OK) {
                sum += value.size;
            }
        }
    }
    routine->result = (double)(boot_ns() - begin) / (double)count;
    return SCHEDHOST_OK;
}

static int32_t on_disk(const schedhost_scheduler *scheduler, struct routine *routine) {
    int64_t count = schedhost_param_int(scheduler, "count", 1000);
    int64_t keys = schedhost_param_int(scheduler, "keys", 0);
    size_t bytes = (size_t)schedhost_param_int(scheduler, "bytes", 4096);
    schedhost_cache *cache = schedhost_param_int(scheduler, "memory", 0)
                                 ? schedhost_cache_memory(scheduler, "memory", INT64_MAX, NULL, NULL)
                                 : schedhost_cache_disk(scheduler, "disk", INT64_MAX, NULL, NULL);
    schedhost_cache_value value;
    char *data = calloc(1, bytes + 1), key[24];
    int32_t code = SCHEDHOST_OK;
    const char *beside = schedhost_param_string(scheduler, "beside", NULL);
    int64_t turn = schedhost_param_int(scheduler, "turn", 50);
    int sync = (int)schedhost_param_int(scheduler, "sync", 0), directory = -1;
    int (*put)(int, const void *, size_t, int) =
        schedhost_param_int(scheduler, "exchange", 0) ? put_exchange : put_rename;
    for (int64_t i = 0; i < count && code == SCHEDHOST_OK; i++) {
        size_t size = keys == 0 ? 0 : (size_t)snprintf(key, sizeof key, "k%" PRId64, i % keys);
        int64_t begin = boot_ns();
        code = routine->mode == 'g' ? schedhost_cache_get_key(scheduler, cache, key, 0, 0, &value)
                                    : scheduler->host->cache_put(scheduler, cache, size ? key : NULL, size, data, bytes);
        keep(routine, boot_ns() - begin);
        if (beside == NULL || i % turn != turn - 1) {
            continue;
        }
        directory = directory >= 0 ? directory : open(beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int64_t n = 0; n < turn && code == SCHEDHOST_OK && routine->least_count < routine->capacity; n++) {
            begin = boot_ns();
            code = put(directory, data, bytes, sync) == 0 ? SCHEDHOST_OK : SCHEDHOST_ERROR;
            routine->least[routine->least_count++] = boot_ns() - begin;
        }
    }
    if (directory >= 0) {
        close(directory);
    }
    free(data);
    return code == SCHEDHOST_OK ? SCHEDHOST_OK : schedhost_fail(scheduler, code, "put or get failed");
}

/* Puts `keys` values of a memory cache, then takes the time of `count` hits of them in no order, and tells that it is over. */
static int32_t many_keys(const schedhost_scheduler *scheduler, struct routine *routine) {
    int64_t keys = schedhost_param_int(scheduler, "keys", 1), count = schedhost_param_int(scheduler, "count", 1000000);
    schedhost_cache *cache = schedhost_cache_memory(scheduler, "keys", INT64_MAX, NULL, NULL);
    /* Made before, since to print a number takes longer than a hit. */
    char(*names)[16] = calloc((size_t)keys, sizeof *names);
    int32_t code = names != NULL ? SCHEDHOST_OK : SCHEDHOST_ERROR;
    for (int64_t i = 0; i < keys && code == SCHEDHOST_OK; i++) {
        int size = snprintf(names[i], sizeof names[i], "k%" PRId64, i);
        code = scheduler->host->cache_put(scheduler, cache, names[i], (size_t)size, "value", 5);
    }
    uint64_t random = 1;
    schedhost_cache_value value;
    int64_t begin = boot_ns();
    for (int64_t i = 0; i < count && code == SCHEDHOST_OK; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        code = schedhost_cache_get_key(scheduler, cache, names[(random >> 33) % (uint64_t)keys], 0, 0, &value);
    }
    routine->result = (double)(boot_ns() - begin) / (double)count;
    free(names);
    trace(scheduler);
    return code == SCHEDHOST_OK ? SCHEDHOST_OK : schedhost_fail(scheduler, code, "put or get failed");
}

/* What an expensive source is: it takes 5 ms, and tells that it was asked. */
static int32_t slow_source(const schedhost_scheduler *scheduler, const void *key, size_t key_size,
                           schedhost_writer *writer, void *user) {
    (void)key, (void)key_size, (void)user;
    trace(scheduler);
    usleep(5000);
    return schedhost_write(writer, "value", 5);
}

/* Asks for `keys` values at a moment that other hosts have too, `at_ms` on the boot clock. */
static int32_t ask_at_once(const schedhost_scheduler *scheduler) {
    int64_t keys = schedhost_param_int(scheduler, "keys", 64), at = schedhost_param_int(scheduler, "at_ms", 0);
    schedhost_cache *cache = schedhost_cache_memory(scheduler, "memory", INT64_MAX, slow_source, NULL);
    struct timespec time = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
    schedhost_cache_value value;
    char key[24];
    int32_t code = SCHEDHOST_OK;
    clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, NULL);
    for (int64_t i = 0; i < keys && code == SCHEDHOST_OK; i++) {
        snprintf(key, sizeof key, "k%" PRId64, i);
        code = schedhost_cache_get_key(scheduler, cache, key, 0, 0, &value);
    }
    return code == SCHEDHOST_OK ? SCHEDHOST_OK : schedhost_fail(scheduler, code, "get failed");
}

#endif

/* Inline wrappers of the host's table: shorter to write, and no undefined symbol in the plugin.
 * Included by <schedhost/plugin.h>. Thread tags and meanings are those of the functions in host.h. */
#ifndef SCHEDHOST_CALLS_H
#define SCHEDHOST_CALLS_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "descriptor.h"

/* The longest line that schedhost_log and its kin make, with its NUL; what is longer is cut at the end of a character. */
#define SCHEDHOST_MAX_LINE 1024

/* [callback] Where this routine stands. */
static inline const schedhost_place *schedhost_where(const schedhost_scheduler *scheduler) {
    return scheduler->host->place(scheduler);
}
/* [callback] The cycle of this session, from 0. */
static inline uint64_t schedhost_cycle(const schedhost_scheduler *scheduler) {
    return scheduler->host->place(scheduler)->cycle;
}
/* [callback] The time that this cycle is for, UTC in ms; 0 when it is for none, and from a host of 1.0. */
static inline int64_t schedhost_due_ms(const schedhost_scheduler *scheduler) {
    const schedhost_place *place = scheduler->host->place(scheduler);
    return SCHEDHOST_HAS(schedhost_place, place, due_ms) ? place->due_ms : 0;
}
/* [callback] The token of the lease by which this session runs; 0 when it runs by none, and from a host of 1.0. */
static inline uint64_t schedhost_lease_token(const schedhost_scheduler *scheduler) {
    const schedhost_place *place = scheduler->host->place(scheduler);
    return SCHEDHOST_HAS(schedhost_place, place, lease_token) ? place->lease_token : 0;
}
/* [callback] Which part of the routine's work this session has, from 0; 0 where it has all, and from a host of 1.0. */
static inline uint32_t schedhost_shard(const schedhost_scheduler *scheduler) {
    const schedhost_place *place = scheduler->host->place(scheduler);
    return SCHEDHOST_HAS(schedhost_place, place, shards) ? place->shard : 0;
}
/* [callback] Into how many parts it is divided; 1 where it is not, and from a host of 1.0. */
static inline uint32_t schedhost_shards(const schedhost_scheduler *scheduler) {
    const schedhost_place *place = scheduler->host->place(scheduler);
    return SCHEDHOST_HAS(schedhost_place, place, shards) && place->shards > 0 ? place->shards : 1;
}
/* [any-thread] For how many ms that lease still lasts; INT64_MAX when it runs by none, and from a host of 1.0. */
static inline int64_t schedhost_lease_left_ms(const schedhost_scheduler *scheduler) {
    const schedhost_host *host = scheduler->host;
    return SCHEDHOST_HAS(schedhost_host, host, lease_left_ms) && host->lease_left_ms != NULL
               ? host->lease_left_ms(scheduler)
               : INT64_MAX;
}
/* [callback] A session of this routine that ended before this one began: 0 is the last one, 1 the one before it. NULL past the
 * oldest one that the host knows, and from a host of 1.0. It lives as long as the session. */
static inline const schedhost_past_session *schedhost_history(const schedhost_scheduler *scheduler, uint32_t index) {
    const schedhost_host *host = scheduler->host;
    return SCHEDHOST_HAS(schedhost_host, host, history) && host->history != NULL ? host->history(scheduler, index) : NULL;
}
/* [any-thread] The time, UTC in ms. */
static inline int64_t schedhost_now_ms(const schedhost_scheduler *scheduler) {
    return scheduler->host->now_ms(scheduler);
}
/* [callback] When the next cycle is due, UTC in ms. */
static inline int64_t schedhost_next_due_ms(const schedhost_scheduler *scheduler) {
    return scheduler->host->next_due_ms(scheduler);
}

/* [any-thread] Whether lines of this level are shown. */
static inline int32_t schedhost_log_enabled(const schedhost_scheduler *scheduler, int32_t level) {
    return scheduler->host->log_enabled(scheduler, level);
}
/* [any-thread] How many of these bytes of UTF-8 are whole characters: what was cut at `size` may end in the midst of one, which
 * is 1 to 3 bytes then. Bytes that are no UTF-8 are left for the host to show. */
static inline size_t schedhost_whole_characters(const char *text, size_t size) {
    size_t start = size;
    unsigned char first;
    while (start > 0 && size - start < 3 && ((unsigned char)text[start - 1] & 0xC0u) == 0x80u) {
        start--;
    }
    if (start == 0) {
        return size;
    }
    first = (unsigned char)text[--start];
    return size - start < (first >= 0xF0u ? 4u : first >= 0xE0u ? 3u : first >= 0xC0u ? 2u : 1u) ? start : size;
}

/* [any-thread] Logs a formatted line; formats nothing when the level is not shown. */
SCHEDHOST_PRINTF(3, 4)
static inline void schedhost_log(const schedhost_scheduler *scheduler, int32_t level, const char *format, ...) {
    char text[SCHEDHOST_MAX_LINE];
    va_list arguments;
    int size;
    if (!scheduler->host->log_enabled(scheduler, level)) {
        return;
    }
    va_start(arguments, format);
    size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0) {
        scheduler->host->log(scheduler, level, text,
                             (size_t)size < sizeof text ? (size_t)size
                                                        : schedhost_whole_characters(text, sizeof text - 1));
    }
}
#define schedhost_trace(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_TRACE, __VA_ARGS__)
#define schedhost_debug(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_DEBUG, __VA_ARGS__)
#define schedhost_info(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_INFO, __VA_ARGS__)
#define schedhost_success(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_SUCCESS, __VA_ARGS__)
#define schedhost_warning(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_WARNING, __VA_ARGS__)
#define schedhost_error_log(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_ERROR, __VA_ARGS__)
#define schedhost_critical(scheduler, ...) schedhost_log(scheduler, SCHEDHOST_LOG_CRITICAL, __VA_ARGS__)

/* [any-thread] Parameters by name, each with what to take when it is not set. */
static inline const char *schedhost_param_string(const schedhost_scheduler *scheduler, const char *name,
                                                 const char *fallback) {
    return scheduler->host->param_string(scheduler, name, fallback);
}
static inline int64_t schedhost_param_int(const schedhost_scheduler *scheduler, const char *name, int64_t fallback) {
    return scheduler->host->param_int(scheduler, name, fallback);
}
static inline double schedhost_param_double(const schedhost_scheduler *scheduler, const char *name, double fallback) {
    return scheduler->host->param_double(scheduler, name, fallback);
}
static inline int32_t schedhost_param_bool(const schedhost_scheduler *scheduler, const char *name, int32_t fallback) {
    return scheduler->host->param_bool(scheduler, name, fallback);
}
/* [any-thread] All parameters as one JSON object. */
static inline const char *schedhost_params_json(const schedhost_scheduler *scheduler) {
    return scheduler->host->params_json(scheduler);
}

/* [callback] [source] Attaches formatted text to the error that the callback returns; gives `code` back, or SCHEDHOST_ERROR for
 * SCHEDHOST_OK: what fails is no success. */
SCHEDHOST_PRINTF(3, 4)
static inline int32_t schedhost_fail(const schedhost_scheduler *scheduler, int32_t code, const char *format, ...) {
    char text[SCHEDHOST_MAX_MESSAGE + 1];
    va_list arguments;
    int size;
    va_start(arguments, format);
    size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0) {
        text[0] = '\0';
    } else if ((size_t)size >= sizeof text) {
        text[schedhost_whole_characters(text, sizeof text - 1)] = '\0';
    }
    return scheduler->host->fail(scheduler, code != SCHEDHOST_OK ? code : SCHEDHOST_ERROR, text);
}
/* [any-thread] Whether the host has asked to stop. */
static inline int32_t schedhost_stop_requested(const schedhost_scheduler *scheduler) {
    return scheduler->host->stop_requested(scheduler);
}
/* [callback] [source] A sleep that ends early, with 1, when the host asks to stop. */
static inline int32_t schedhost_sleep_ms(const schedhost_scheduler *scheduler, uint64_t ms) {
    return scheduler->host->sleep_ms(scheduler, ms);
}
/* [callback] Ends the session after this cycle. */
static inline void schedhost_end_session(const schedhost_scheduler *scheduler, const char *reason) {
    scheduler->host->end_session(scheduler, reason);
}
/* [callback] Changes this session's wait. */
static inline int32_t schedhost_set_wait_ms(const schedhost_scheduler *scheduler, uint64_t wait_ms) {
    return scheduler->host->set_wait_ms(scheduler, wait_ms);
}
/* [callback] The next cycle comes at once. */
static inline void schedhost_run_again_now(const schedhost_scheduler *scheduler) {
    scheduler->host->run_again_now(scheduler);
}

/* [callback] Columns of the session's record. */
static inline int32_t schedhost_stat_int(const schedhost_scheduler *scheduler, const char *name, int64_t value) {
    return scheduler->host->stat_int(scheduler, name, value);
}
static inline int32_t schedhost_stat_double(const schedhost_scheduler *scheduler, const char *name, double value) {
    return scheduler->host->stat_double(scheduler, name, value);
}
static inline int32_t schedhost_stat_string(const schedhost_scheduler *scheduler, const char *name,
                                            const char *value) {
    return scheduler->host->stat_string(scheduler, name, value);
}

/* [source] Appends to a cache source's result. */
static inline int32_t schedhost_write(schedhost_writer *writer, const void *bytes, size_t size) {
    return writer->write(writer, bytes, size);
}
/* [source] Sets the result of an object cache's source; see schedhost_writer. */
static inline int32_t schedhost_set_object(schedhost_writer *writer, void *object, void (*release)(void *object),
                                           size_t cost) {
    return writer->set_object(writer, object, release, cost);
}
/* [any-thread] Opens a memory cache whose source is `source`. NULL when that fails. */
static inline schedhost_cache *schedhost_cache_memory(const schedhost_scheduler *scheduler, const char *name,
                                                      int64_t expire_ms, schedhost_source source, void *user) {
    schedhost_cache_options options;
    schedhost_cache *cache = NULL;
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.expire_ms = expire_ms;
    options.source = source;
    options.user = user;
    return scheduler->host->cache_memory(scheduler, name, &options, &cache) == SCHEDHOST_OK ? cache : NULL;
}
/* [any-thread] Opens a memory cache of objects, whose source calls schedhost_set_object. NULL when that fails. */
static inline schedhost_cache *schedhost_cache_objects(const schedhost_scheduler *scheduler, const char *name,
                                                       int64_t expire_ms, schedhost_source source, void *user) {
    schedhost_cache_options options;
    schedhost_cache *cache = NULL;
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.flags = (uint32_t)SCHEDHOST_CACHE_OBJECTS;
    options.expire_ms = expire_ms;
    options.source = source;
    options.user = user;
    return scheduler->host->cache_memory(scheduler, name, &options, &cache) == SCHEDHOST_OK ? cache : NULL;
}
/* [any-thread] Opens a disk cache whose source is `source`. NULL when that fails. */
static inline schedhost_cache *schedhost_cache_disk(const schedhost_scheduler *scheduler, const char *name,
                                                    int64_t expire_ms, schedhost_source source, void *user) {
    schedhost_cache_options options;
    schedhost_cache *cache = NULL;
    memset(&options, 0, sizeof options);
    options.struct_size = (uint32_t)sizeof options;
    options.expire_ms = expire_ms;
    options.source = source;
    options.user = user;
    return scheduler->host->cache(scheduler, name, &options, &cache) == SCHEDHOST_OK ? cache : NULL;
}
/* [any-thread] Seconds as a tolerance of a request: NaN and negative ones are invalid there, and so large a number as no age
 * reaches, INFINITY too, is any age. */
static inline int64_t schedhost_tolerance_ms(double seconds) {
    if (!(seconds >= 0)) {
        return -1;
    }
    return seconds < 9e15 ? (int64_t)(seconds * 1000 + 0.5) : INT64_MAX;
}
/* [any-thread] The unkeyed value; `fresh` is 0 or 1, the tolerance in seconds, as people say it. */
static inline int32_t schedhost_cache_get(const schedhost_scheduler *scheduler, schedhost_cache *cache, int32_t fresh,
                                          double tolerance_seconds, schedhost_cache_value *value) {
    schedhost_cache_request request;
    memset(&request, 0, sizeof request);
    request.struct_size = (uint32_t)sizeof request;
    request.flags = fresh ? (uint32_t)SCHEDHOST_GET_FRESH : 0u;
    request.tolerance_ms = schedhost_tolerance_ms(tolerance_seconds);
    memset(value, 0, sizeof *value);
    value->struct_size = (uint32_t)sizeof *value;
    return scheduler->host->cache_get(scheduler, cache, &request, value);
}
/* [any-thread] The value of a key (NUL-terminated text); the tolerance in seconds. */
static inline int32_t schedhost_cache_get_key(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                              const char *key, int32_t fresh, double tolerance_seconds,
                                              schedhost_cache_value *value) {
    schedhost_cache_request request;
    memset(&request, 0, sizeof request);
    request.struct_size = (uint32_t)sizeof request;
    request.flags = fresh ? (uint32_t)SCHEDHOST_GET_FRESH : 0u;
    request.tolerance_ms = schedhost_tolerance_ms(tolerance_seconds);
    request.key = key;
    request.key_size = strlen(key);
    memset(value, 0, sizeof *value);
    value->struct_size = (uint32_t)sizeof *value;
    return scheduler->host->cache_get(scheduler, cache, &request, value);
}
/* [any-thread] The unkeyed value held, whatever its age; never the source. */
static inline int32_t schedhost_cache_peek(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                           schedhost_cache_value *value) {
    memset(value, 0, sizeof *value);
    value->struct_size = (uint32_t)sizeof *value;
    return scheduler->host->cache_peek(scheduler, cache, NULL, 0, value);
}
/* [any-thread] Replaces the unkeyed value. */
static inline int32_t schedhost_cache_put(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                          const void *bytes, size_t size) {
    return scheduler->host->cache_put(scheduler, cache, NULL, 0, bytes, size);
}
/* [any-thread] Replaces the unkeyed value of an object cache; when that fails, the object is still the caller's. */
static inline int32_t schedhost_cache_put_object(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                                 void *object, void (*release)(void *object), size_t cost) {
    return scheduler->host->cache_put_object(scheduler, cache, NULL, 0, object, release, cost);
}
/* [any-thread] Drops the unkeyed value. */
static inline int32_t schedhost_cache_invalidate(const schedhost_scheduler *scheduler, schedhost_cache *cache) {
    return scheduler->host->cache_invalidate(scheduler, cache, NULL, 0);
}
/* [any-thread] Keeps a value past this callback; each pin wants one release. */
static inline void schedhost_cache_pin(const schedhost_scheduler *scheduler, const schedhost_cache_value *value) {
    scheduler->host->cache_pin(scheduler, value);
}
static inline void schedhost_cache_release(const schedhost_scheduler *scheduler, const schedhost_cache_value *value) {
    scheduler->host->cache_release(scheduler, value);
}
/* [any-thread] The text of the last error of this cache's source as this thread saw it, or "". */
static inline const char *schedhost_cache_error(const schedhost_scheduler *scheduler, schedhost_cache *cache) {
    return scheduler->host->cache_error(scheduler, cache);
}
/* [any-thread] What the cache counted. */
static inline int32_t schedhost_cache_count(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                            schedhost_cache_counters *counters) {
    memset(counters, 0, sizeof *counters);
    counters->struct_size = (uint32_t)sizeof *counters;
    return scheduler->host->cache_counters(scheduler, cache, counters);
}

#endif

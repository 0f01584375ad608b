/* What a routine can ask of its scheduler: the host's function table.
 * Included by <schedhost/plugin.h>. Authors use the inline functions of calls.h, which are
 * shorter to write. */
#ifndef SCHEDHOST_HOST_H
#define SCHEDHOST_HOST_H

#include "abi.h"
#include "cache.h"

typedef struct schedhost_host schedhost_host;

/* A routine's own scheduler, handed to each of its callbacks. The address and what it holds stay
 * the same from `start` to the return of `stop`; threads of the plugin may keep it for that long. */
typedef struct schedhost_scheduler {
    uint32_t struct_size;
    uint32_t reserved;
    const schedhost_host *host; /* the function table; lives as long as the process */
    void *host_data;            /* the host's own */
} schedhost_scheduler;

/* Where a routine stands. Immutable during a callback; the next callback has a new one. */
typedef struct schedhost_place {
    uint32_t struct_size;
    uint32_t attempt;         /* of this cycle, from 1; more than 1 after a retry */
    const char *plugin;       /* the plugin's id; `id@instance` where the configuration has several of it */
    const char *routine;      /* its name; "" in load and unload */
    const char *session;      /* the session's id; "" in load and unload */
    uint64_t cycle;           /* of this session, from 0 */
    uint64_t lifetime_cycles; /* cycles over all finished sessions of this routine */
    int64_t session_start_ms; /* UTC, milliseconds since 1970 */
    uint64_t missed;          /* grid points passed over in this session because a cycle ran late */
    uint32_t session_before;  /* SCHEDHOST_BEFORE_…: how the session before ended */
    uint32_t reserved;
    /* Since 1.1. The time that this cycle is for, UTC, milliseconds since 1970: with a schedule the time that it names,
     * without the jitter and however late the cycle is; with `align` the point of the grid. 0: it runs by its wait, or
     * somebody asked for it. */
    int64_t due_ms;
    /* Since 1.1. With run_on "one": the token of the lease by which this session runs. Each time that a lease is given,
     * it is greater than all before it. Hand it to what you write to, and let that refuse a smaller one. 0: no lease. */
    uint64_t lease_token;
    /* Since 1.1. With run_on "shards": which part of the work this session has, from 0, and into how many it is divided;
     * each part has one session on all hosts together. Otherwise 0 of 1. Take what is yours by key % shards == shard. */
    uint32_t shard;
    uint32_t shards;
} schedhost_place;

/* Since 1.1. A session of this routine that has ended, as its record has it. */
typedef struct schedhost_past_session {
    uint32_t struct_size;
    uint32_t is_failure; /* 1: it ended by an error, a crash, an exit, a timeout or the like; 0: as it should */
    const char *session; /* its id */
    const char *reason;  /* how it ended, by the names in records: "max_cycles", "stopped", "error", "crash", … */
    const char *text;    /* the words for that, as far as SCHEDHOST_MAX_HISTORY_TEXT bytes reach; may be "" */
    int64_t start_ms;    /* when it began and ended, UTC, milliseconds since 1970 */
    int64_t finish_ms;
    int64_t duration_ms; /* how long it took, by a clock that is never set */
    uint64_t cycles;
    uint64_t failures;   /* attempts that failed */
    uint64_t missed;     /* grid points that were passed over */
} schedhost_past_session;

/* An error, as `on_error` sees it. Lives until that callback returns. */
typedef struct schedhost_error {
    uint32_t struct_size;
    uint32_t phase;      /* SCHEDHOST_PHASE_… */
    int32_t code;        /* what the callback returned; in the phase cache what the source returned */
    uint32_t attempt;    /* of the cycle, from 1 */
    uint64_t cycle;
    const char *message; /* what schedhost_fail attached, or "" */
} schedhost_error;

/* The answer of `on_error`. The host presents it with the decision it would take by itself. */
typedef struct schedhost_decision {
    uint32_t struct_size;
    uint32_t decision; /* SCHEDHOST_DECIDE_… */
    uint64_t retry_ms; /* for SCHEDHOST_DECIDE_RETRY: 0 to SCHEDHOST_MAX_RETRY_MS (one day); more is that */
} schedhost_decision;

/* The host's functions. None is NULL up to the minor that `abi_minor` gives; probe later ones. */
struct schedhost_host {
    uint32_t struct_size;
    uint32_t abi_minor;       /* of the host */
    const char *host_version; /* for display, such as "1.0.0"; never parse it */

    /* [callback] Where this routine stands. */
    const schedhost_place *(*place)(const schedhost_scheduler *scheduler);
    /* [any-thread] The time, UTC, in milliseconds since 1970. */
    int64_t (*now_ms)(const schedhost_scheduler *scheduler);
    /* [callback] When the next cycle is due, UTC in ms, as things stand; INT64_MAX when none will come. */
    int64_t (*next_due_ms)(const schedhost_scheduler *scheduler);

    /* [any-thread] 1 when lines of this level are shown, 0 when not. A few nanoseconds. */
    int32_t (*log_enabled)(const schedhost_scheduler *scheduler, int32_t level);
    /* [any-thread] Logs `size` bytes of UTF-8 as one entry; ill-formed bytes are shown escaped, and what is
     * past SCHEDHOST_MAX_LOG (64 KiB) is cut. Never blocks: past the plugin's rate the entry is dropped, and
     * counted. */
    void (*log)(const schedhost_scheduler *scheduler, int32_t level, const char *text, size_t size);

    /* [any-thread] The parameter of that name, or `fallback` when it is not set or of another type. A
     * declared default counts as set. An integer is also a double, and a whole double an integer. The text
     * lives as long as the session (in load: as long as the process). */
    const char *(*param_string)(const schedhost_scheduler *scheduler, const char *name, const char *fallback);
    int64_t (*param_int)(const schedhost_scheduler *scheduler, const char *name, int64_t fallback);
    double (*param_double)(const schedhost_scheduler *scheduler, const char *name, double fallback);
    int32_t (*param_bool)(const schedhost_scheduler *scheduler, const char *name, int32_t fallback);
    /* [any-thread] All parameters as one JSON object, NUL-terminated; lives like a parameter's text. */
    const char *(*params_json)(const schedhost_scheduler *scheduler);

    /* [callback] [source] Attaches text to the error that this callback or source is about to return, and
     * gives `code` back, so that `return schedhost_fail(…)` reads well. SCHEDHOST_OK is taken for SCHEDHOST_ERROR:
     * what fails is no success. The text is copied, up to SCHEDHOST_MAX_MESSAGE (4096 bytes); NULL is "". In on_error it
     * has no effect. */
    int32_t (*fail)(const schedhost_scheduler *scheduler, int32_t code, const char *message);
    /* [any-thread] 1 once the host has asked this routine to stop, else 0. A long cycle polls it. */
    int32_t (*stop_requested)(const schedhost_scheduler *scheduler);
    /* [callback] [source] Sleeps for `ms`, at most SCHEDHOST_MAX_WAIT_MS (31 days); returns 1 at once when the
     * host asks to stop, else 0 after the time. Elsewhere, as on a thread of the plugin's own, it returns 0 at
     * once: such a thread sleeps by itself. */
    int32_t (*sleep_ms)(const schedhost_scheduler *scheduler, uint64_t ms);
    /* [callback] Ends the session after this cycle, which counts. `reason` is copied into the record, up to
     * SCHEDHOST_MAX_MESSAGE (4096 bytes). Nothing in stats and stop: the session has ended. */
    void (*end_session)(const schedhost_scheduler *scheduler, const char *reason);
    /* [callback] Changes this session's wait; the next cycle comes `wait_ms` after this one began. In a routine that runs by a
     * schedule it does nothing, and returns SCHEDHOST_OK: the schedule says when the next cycle comes.
     * Returns SCHEDHOST_INVALID above SCHEDHOST_MAX_WAIT_MS (31 days), as of what was a negative number;
     * SCHEDHOST_NOT_HERE in stats and stop. */
    int32_t (*set_wait_ms)(const schedhost_scheduler *scheduler, uint64_t wait_ms);
    /* [callback] The next cycle comes at once after this one, and the grid starts anew there. Nothing in stats
     * and stop. */
    void (*run_again_now)(const schedhost_scheduler *scheduler);

    /* [callback] Sets a column of the session's record; the last value given to a name stands. At most
     * SCHEDHOST_MAX_STATS (64) names of at most SCHEDHOST_MAX_STAT_NAME (128) bytes; SCHEDHOST_INVALID otherwise.
     * NaN and infinities are kept as text. Of a text the first SCHEDHOST_MAX_STAT (2048) bytes are kept. In load
     * and unload: SCHEDHOST_NOT_HERE. Names that begin with "cache." are the host's, for what the caches have counted: a
     * column of the plugin's with the same name as one of these is replaced by it. */
    int32_t (*stat_int)(const schedhost_scheduler *scheduler, const char *name, int64_t value);
    int32_t (*stat_double)(const schedhost_scheduler *scheduler, const char *name, double value);
    int32_t (*stat_string)(const schedhost_scheduler *scheduler, const char *name, const char *value);

    /* [any-thread] Opens the memory cache, or the disk cache, of that name in the routine's namespace,
     * making it on the first call; later calls give the same cache, and take of `options` only the source.
     * `name` is any UTF-8, also empty, up to SCHEDHOST_MAX_CACHE_NAME (4 KiB). In load and unload:
     * SCHEDHOST_NOT_HERE. A handle is of use with this scheduler only: SCHEDHOST_INVALID with another routine's.
     * With SCHEDHOST_CACHE_PLUGIN it is in the plugin's namespace, also in load and unload, and of use with each scheduler
     * of the plugin. */
    int32_t (*cache_memory)(const schedhost_scheduler *scheduler, const char *name,
                            const schedhost_cache_options *options, schedhost_cache **cache);
    int32_t (*cache)(const schedhost_scheduler *scheduler, const char *name,
                     const schedhost_cache_options *options, schedhost_cache **cache);
    /* [any-thread] The value, from the cache or the source, as the table in cache.h says. Returns
     * SCHEDHOST_OK with the value; else the code of why there is none, and value->state is
     * SCHEDHOST_VALUE_NONE. SCHEDHOST_SOURCE_FAILED goes to everyone whom the failed load concerns: who ran the
     * source, who waited for it, and who asks again before its back-off is over. Each of them finds the source's
     * own code in value->last_error, and its text in cache_error. A callback that returns
     * SCHEDHOST_SOURCE_FAILED, or that code, fails with the source's code and text, in the phase cache. */
    int32_t (*cache_get)(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                         const schedhost_cache_request *request, schedhost_cache_value *value);
    /* [any-thread] The value held, whatever its age, and never the source: SCHEDHOST_NOT_FOUND if none. */
    int32_t (*cache_peek)(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                          const void *key, size_t key_size, schedhost_cache_value *value);
    /* [any-thread] Replaces the value by these bytes, aged 0. SCHEDHOST_OK also when the value is held but
     * its file cannot be written (counted as a save failure); SCHEDHOST_INVALID for an object cache or too
     * long a key; SCHEDHOST_TOO_LARGE over the value's bound, and the value before it is dropped. */
    int32_t (*cache_put)(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                         size_t key_size, const void *bytes, size_t size);
    /* [any-thread] Replaces the value by this object; `release` as for schedhost_writer.set_object. Fails as
     * cache_put does, SCHEDHOST_INVALID for a cache of bytes; then the object is still the caller's. */
    int32_t (*cache_put_object)(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                                size_t key_size, void *object, void (*release)(void *object), size_t cost);
    /* [any-thread] Drops the value, from the disk too. SCHEDHOST_NOT_FOUND when there was none. */
    int32_t (*cache_invalidate)(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                                const void *key, size_t key_size);
    /* [any-thread] Keeps a value's bytes or object alive past this callback, until it is released. Each pin
     * wants one release, by this struct or a copy of it; the host counts them. What is still pinned when the
     * worker ends is gone with it. Both do nothing for a value whose state is SCHEDHOST_VALUE_NONE, and release
     * nothing for one that is not pinned. */
    void (*cache_pin)(const schedhost_scheduler *scheduler, const schedhost_cache_value *value);
    void (*cache_release)(const schedhost_scheduler *scheduler, const schedhost_cache_value *value);
    /* [any-thread] The text of the last error of this cache's source as this thread saw it, also where a stale value
     * was served for it, or "". Lives until the callback returns, and the next one begins without it; on a thread of the plugin's own until that thread's next failed call, of which alone
     * the text is kept there. */
    const char *(*cache_error)(const schedhost_scheduler *scheduler, schedhost_cache *cache);
    /* [any-thread] What the cache counted, for all routines that share it together. Set struct_size first. */
    int32_t (*cache_counters)(const schedhost_scheduler *scheduler, schedhost_cache *cache,
                              schedhost_cache_counters *counters);

    /* [any-thread] The host's extension of that id (such as "schedhost.x/1"), or NULL. Lives as long as the
     * process. */
    const void *(*extension)(const schedhost_scheduler *scheduler, const char *id);

    /* [any-thread] Says that the value of a disk cache cannot be decoded, since another version of the plugin wrote
     * it: the file is set aside as NAME.shc.other and counted as `corrupt`, the log tells `reason` (NULL: none), and
     * the next get loads. `generation` is the value's: SCHEDHOST_NOT_FOUND when there is another one by now, or none. */
    int32_t (*cache_set_aside)(const schedhost_scheduler *scheduler, schedhost_cache *cache, const void *key,
                               size_t key_size, uint64_t generation, const char *reason);

    /* Since 1.1. [any-thread] For how many ms the lease still lasts by which this session runs; then this process is
     * killed, unless the lease is renewed before. 0: it is over. INT64_MAX: it runs by none (run_on "each"), and in load
     * and unload. */
    int64_t (*lease_left_ms)(const schedhost_scheduler *scheduler);
    /* Since 1.1. [callback] A session of this routine that ended before this one began: `index` 0 is the last one, 1 the one
     * before it, and so on. NULL past the oldest one that the host knows (SCHEDHOST_MAX_HISTORY at most), and in load and
     * unload. The first call of a session asks the host and waits for its answer, for 5 s at most, and is NULL without one;
     * later ones do not wait. It lives as long as the session. */
    const schedhost_past_session *(*history)(const schedhost_scheduler *scheduler, uint32_t index);
};

#endif

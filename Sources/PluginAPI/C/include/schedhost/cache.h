/* The caches: reuse an expensive result, refreshed on demand or after expiry.
 * Included by <schedhost/plugin.h>.
 *
 * A routine has a namespace of its own: no other routine can read or write its caches. A memory
 * cache lives as long as the worker; a disk cache also survives it, the host and a power loss, and
 * comes back with its true age. The routines of a plugin may share a cache (SCHEDHOST_CACHE_PLUGIN).
 *
 * With A the value's age, E the expiry and t the tolerance, a get does this:
 *   not fresh, A <= E             serve it
 *   not fresh, A >  E             load; if the source fails, the stale value when A <= E + t
 *   fresh, A <= E, t > 0, t >= A  serve it
 *   fresh, otherwise              load; if the source fails, the stale value when A > E and t >= A
 *   no value, or its age unknown  load
 *
 * Hosts of a cluster may share values (SCHEDHOST_CACHE_SHARED). What would load takes a value of another host then, by the
 * same table, or waits for the load of another one. A put and an invalidate are for all hosts, which go on with what they
 * have in memory or on disk until it expires.
 */
#ifndef SCHEDHOST_CACHE_H
#define SCHEDHOST_CACHE_H

#include "abi.h"

struct schedhost_scheduler;

/* One cache of a routine, or of its plugin. Lives as long as the worker. */
typedef struct schedhost_cache schedhost_cache;

/* Where a source writes its result. The host owns it and what was written to it; it is valid until
 * the source returns. Use schedhost_write. */
typedef struct schedhost_writer {
    uint32_t struct_size;
    uint32_t reserved;
    /* [source] Appends bytes; copies them. Returns SCHEDHOST_OK, or SCHEDHOST_TOO_LARGE past the largest size
     * that the host can hold at all (1 GiB). */
    int32_t (*write)(struct schedhost_writer *writer, const void *bytes, size_t size);
    /* [source] Sets the result of an object cache's source, in place of bytes. The host calls `release`
     * (NULL: nothing to do) once, as a [host-thread] function, when the last user of the object is done; not
     * for what is held when the worker ends. `cost`, in bytes, counts against the memory bound; a larger one
     * than the value's bound is served and not kept. SCHEDHOST_INVALID in a cache of bytes: then the object is
     * still the caller's. */
    int32_t (*set_object)(struct schedhost_writer *writer, void *object, void (*release)(void *object), size_t cost);
    void *host_data; /* the host's own */
} schedhost_writer;

/* [source] Makes the value: fetches, computes, and writes it to `writer`.
 * Runs on the thread that asked, or, for a refresh ahead of expiry, on a thread of the host's; other
 * callers of the same key wait for it. `key` is the key asked for (empty for an unkeyed get). On the
 * host's thread `scheduler` is the same, schedhost_end_session and the like do nothing there, and the
 * session's `stop` waits for the source to return: schedhost_stop_requested tells it to.
 * Returns SCHEDHOST_OK, or an error code; text may be attached by schedhost_fail before it returns. One that returns
 * SCHEDHOST_OK and has made no value fails with SCHEDHOST_INVALID; an empty value is made by writing 0 bytes. */
typedef int32_t (*schedhost_source)(const struct schedhost_scheduler *scheduler, const void *key, size_t key_size,
                                    schedhost_writer *writer, void *user);

enum {
    SCHEDHOST_CACHE_OBJECTS = 1u, /* values are object pointers (memory caches only) */
    /* Since 1.1: a value means the same on every host of a cluster, which may share it: one of them asks the source for
     * all. Bytes only: with OBJECTS it is SCHEDHOST_INVALID. No change where a host is alone. */
    SCHEDHOST_CACHE_SHARED = 2u,
    /* Since 1.1. The routines of the plugin share the cache: one handle for all, with any of their schedulers; values,
     * loads and counters are common. May also be opened and asked in load and unload. While one routine loads, others wait;
     * one that is asked to stop meanwhile gets SCHEDHOST_STOPPED, and one that would soon be over its own timeout
     * SCHEDHOST_SOURCE_FAILED. If a load fails whose routine was asked to stop, the next one loads. The cache's own source
     * is called with the scheduler of the routine that loads; what it uses, and `user`, lives until unload. A host of 1.0
     * answers SCHEDHOST_UNSUPPORTED. With isolation "routine", processes share what is on disk, and nothing in memory. */
    SCHEDHOST_CACHE_PLUGIN = 4u
};

/* How a cache behaves. Read when the cache is opened for the first time in a worker, and copied; of later
 * openings only `source` and `user` are taken, if the first had a source: a session opens its caches anew. */
typedef struct schedhost_cache_options {
    uint32_t struct_size;
    uint32_t flags;           /* SCHEDHOST_CACHE_…; an unknown one is SCHEDHOST_UNSUPPORTED */
    int64_t expire_ms;        /* E: from 0 (every get loads unless tolerated); INT64_MAX never expires */
    int64_t refresh_after_ms; /* serve, and reload once in the background, from this age; 0: never */
    uint64_t max_value_bytes; /* a larger value is served and not kept; 0: the host's bound */
    schedhost_source source;  /* may be NULL: then each get brings its own, or only put fills it */
    void *user;               /* handed to `source` */
    uint32_t codec;           /* names the encoding of the bytes; a disk value of another codec is set aside */
    uint32_t reserved;
    /* Since 1.1, for a disk cache: the folder in which its files are to be, in place of the host's own one; made if it is
     * missing when the worker opens the cache first. From the root on, or else within the plugin's data folder,
     * $SCHEDHOST_DATA, where no link is followed; UTF-8 without "..", up to 4095 bytes, each name up to 255. NULL: the
     * host's own. The host copies it. A value is in PATH/PLUGIN/ROUTINE/NAME.shc, or NAME.keys/KEY.shc, so that
     * any number of caches may have one folder. A folder outside of the data folder must be one where the plugin's sandbox
     * lets it write. What cannot be used is SCHEDHOST_INVALID, and the log says why. A host of 1.0 uses its own folder. */
    const char *path;
} schedhost_cache_options;

enum {
    SCHEDHOST_GET_FRESH = 1u /* ask the source, unless the value is younger than the tolerance */
};

/* One request of a value. A NULL request means all zero: the unkeyed value, not fresh, tolerance 0. */
typedef struct schedhost_cache_request {
    uint32_t struct_size;
    uint32_t flags;          /* SCHEDHOST_GET_…; an unknown one is SCHEDHOST_UNSUPPORTED */
    int64_t tolerance_ms;    /* t: from 0, INT64_MAX for any age; a negative one is SCHEDHOST_INVALID */
    const void *key;         /* any bytes; NULL with key_size 0: the unkeyed value */
    size_t key_size;         /* at most SCHEDHOST_MAX_KEY, else SCHEDHOST_INVALID */
    schedhost_source source; /* NULL: the cache's own */
    void *user;              /* handed to `source` above */
} schedhost_cache_request;

enum {
    SCHEDHOST_VALUE_NONE = 0,   /* there is none */
    SCHEDHOST_VALUE_HIT = 1,    /* served from the cache */
    SCHEDHOST_VALUE_LOADED = 2, /* the source made it, for this call or one that this call joined */
    SCHEDHOST_VALUE_STALE = 3   /* past its expiry: the source failed, and the tolerance allows it */
};

/* An answer. Set struct_size before the call (schedhost_cache_get does). The bytes or the object are
 * immutable and live until the callback in progress returns, or, once pinned, until they are released.
 * In a source on another thread than the callback's they live until the source returns. On a thread of
 * the plugin's own, outside of a source, nothing bounds them: there a value comes pinned; release it.
 * The host counts the pins, not this struct: copies of it are equal, and any of them pins and releases.
 * A call that fails leaves the struct empty, but for struct_size and last_error, also when its other arguments are wrong. */
typedef struct schedhost_cache_value {
    uint32_t struct_size;
    uint32_t state;       /* SCHEDHOST_VALUE_… */
    const void *data;     /* the bytes, or NULL for an object cache */
    size_t size;
    void *object;         /* the object, or NULL for a bytes cache */
    int64_t age_ms;       /* since its load completed; suspend counts, and no clock step disturbs it.
                           * INT64_MAX, for a peek, when nobody knows: older than any bound */
    uint64_t generation;  /* grows by one with each load and put of this cache, also across restarts */
    int32_t last_error;   /* the code of the last failed load since the value was made, or 0; after
                           * SCHEDHOST_SOURCE_FAILED what the source returned */
    uint32_t reserved;
    uint64_t pin[2];      /* for schedhost_cache_pin and _release; the host's own */
    double age_seconds;   /* the same age for texts; INFINITY when nobody knows */
} schedhost_cache_value;

/* What one cache counted since its worker started. */
typedef struct schedhost_cache_counters {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t hits;
    uint64_t loads;
    uint64_t load_failures;
    uint64_t stale_served;
    uint64_t evictions;
    uint64_t corrupt;       /* files set aside */
    uint64_t save_failures; /* values served whose file could not be written */
    uint64_t bytes;         /* held in memory now */
    uint64_t load_time_us;  /* all loads together */
} schedhost_cache_counters;

#endif

/* A store that several hosts share: small values by key, changed only together and only on condition.
 *
 * Hosts of a cluster keep in it who runs what, and values of shared caches. All that they ask of an engine is to compare
 * and set; who may run, and for how long, they decide themselves. So a store needs no leases, locks or timers, and its
 * clock decides nothing.
 *
 * A plugin that offers one answers SCHEDHOST_STORE_ID in its `extension` with a schedhost_store. It needs minor 1
 * (SCHEDHOST_PLUGIN_NEEDS), may have no routines, and runs in a worker in which nothing else runs.
 *
 *     static const schedhost_store store = {
 *         SCHEDHOST_SIZED(schedhost_store), .max_value_bytes = 1048576, .max_conditions = 128, .max_writes = 128,
 *         .open = open_link, .close = close_link, .read = read_keys, .list = list_keys, .commit = commit_all};
 *     static const void *extension(const char *id) { return strcmp(id, SCHEDHOST_STORE_ID) == 0 ? &store : NULL; }
 *
 * What holds for all of it, beside the rules of plugin.h:
 *
 * - Threads. `[store]`: called by the host on a thread that has this link to itself. Other links are used on other
 *   threads meanwhile, so that a link needs no lock, and what links share does. Such a call may block; it may call the
 *   [any-thread] functions of the scheduler that `open` was given, and `fail`.
 * - Time. A call returns within its `timeout_ms`, whatever the server does: the bound is for the whole call, so that an
 *   answer that trickles in does not prolong it. A call that takes 2 s longer is a hang, and ends the worker.
 * - Errors. A call returns SCHEDHOST_OK, or any other number when the link is broken: connection lost, out of time, an
 *   answer that nobody understands. The host then closes the link and opens another one; until then each call on it
 *   fails at once, lest a late answer be taken for the next one's. Why is told by schedhost_fail, whose text is kept for
 *   this call on this thread; of several the last one. It is shown to people and never parsed.
 * - Ownership. What the host hands in lives until the call returns; what a store hands to `each` or to a writer is copied
 *   before that returns. Nothing is freed across.
 * - Keys are 1 to SCHEDHOST_STORE_MAX_KEY of the characters a-z A-Z 0-9 . _ - / # %, not NUL-terminated, and are ordered
 *   by their bytes. Values are any bytes, none included, up to max_value_bytes. The host gives no others.
 * - Versions. Each commit that is done has a number, from 1 to SCHEDHOST_STORE_MAX_VERSION, greater than those of all
 *   commits before it on this instance; a key's version is that of the commit that wrote it. Thus a version never comes
 *   twice, also where a key was deleted, forgotten, and made anew.
 *
 * The suite in Tests/Stores/suite tries a store against all of this. Include this header beside <schedhost/plugin.h>. */
#ifndef SCHEDHOST_STORE_H
#define SCHEDHOST_STORE_H

#include <schedhost/plugin.h>

#define SCHEDHOST_STORE_ID "schedhost.store/1"

#define SCHEDHOST_STORE_MAX_KEY 1024u                   /* bytes of a key */
#define SCHEDHOST_STORE_MAX_INSTANCE 256u               /* bytes of the name of an instance */
#define SCHEDHOST_STORE_MAX_VERSION INT64_C(0x7fffffffffffffff)
/* What every store can do at least. */
#define SCHEDHOST_STORE_LEAST_VALUE 65536u              /* bytes of a value */
#define SCHEDHOST_STORE_LEAST_CONDITIONS 32u            /* of a commit; and as many writes */

/* One connection; the store's own. */
typedef struct schedhost_store_link schedhost_store_link;

/* What became of one read or commit. The host fills in UNKNOWN before the call: that is true of whatever a store did not
 * come to. */
enum {
    SCHEDHOST_STORE_DONE = 0,
    SCHEDHOST_STORE_ABSENT = 1,  /* read: there is no such key */
    SCHEDHOST_STORE_CHANGED = 2, /* commit: a condition does not hold, and nothing was written */
    SCHEDHOST_STORE_UNKNOWN = 3, /* commit: it may have been sent, and whether it was done and will last nobody knows */
    SCHEDHOST_STORE_REFUSED = 4  /* not done, for the store said no: full, read only, no rights; told by schedhost_fail */
};

enum {
    SCHEDHOST_STORE_STRICT = 1u /* what a commit has acknowledged survives the loss of any one machine */
};

/* What a link has found at its other end. `open` fills it in. */
typedef struct schedhost_store_server {
    uint32_t struct_size;
    uint32_t flags;             /* answer: SCHEDHOST_STORE_STRICT, or 0 */
    /* Answer: takes the name of the server's instance, 1 to SCHEDHOST_STORE_MAX_INSTANCE bytes of text on one line. It is
     * another one whenever commits that were acknowledged may have been lost, and two links that have the same see the
     * same: a Redis server's run_id, an etcd cluster's id, a PostgreSQL system identifier with its timeline. */
    schedhost_writer *instance;
    schedhost_store_link *link; /* answer: the link; NULL with an error */
} schedhost_store_server;

/* One key to read. */
typedef struct schedhost_store_read {
    uint32_t struct_size;
    uint32_t status;          /* answer: DONE, ABSENT or REFUSED */
    const void *key;
    size_t key_size;
    schedhost_writer *writer; /* takes the value, by schedhost_write; NULL: only the version is wanted */
    uint64_t version;         /* answer: that of the commit that wrote it; 0 when it is absent */
    int64_t age_ms;           /* answer: since that commit by the store's own clock, at least 0; -1: it cannot tell */
} schedhost_store_read;

/* `key` has exactly this version; 0: there is no such key. */
typedef struct schedhost_store_condition {
    uint32_t struct_size;
    uint32_t reserved; /* 0 */
    const void *key;
    size_t key_size;
    uint64_t version;
} schedhost_store_condition;

enum {
    SCHEDHOST_STORE_DELETE = 1u /* the key goes; that it is not there is no error */
};

/* One key to write. */
typedef struct schedhost_store_write {
    uint32_t struct_size;
    uint32_t flags;   /* SCHEDHOST_STORE_DELETE, or 0: put */
    const void *key;
    size_t key_size;
    const void *bytes; /* the value; may be NULL when size is 0 */
    size_t size;
    uint64_t keep_ms; /* not sooner than that after the commit, the store may forget the key; 0: never */
} schedhost_store_write;

/* All conditions are looked at and all writes are done in one step, or nothing is. */
typedef struct schedhost_store_commit {
    uint32_t struct_size;
    uint32_t status;                                    /* answer: DONE, CHANGED, UNKNOWN or REFUSED */
    const schedhost_store_condition *const *conditions; /* NULL-terminated; may be empty; max_conditions at most */
    const schedhost_store_write *const *writes;         /* NULL-terminated, at least one, max_writes at most; a key once */
    uint64_t version;                                   /* answer, when DONE: its version */
    int64_t now_ms;                                     /* answer, when DONE: the store's clock then, UTC in ms; -1: none */
} schedhost_store_commit;

/* [store] What `list` calls for each key, on its own thread. Any answer but 0 ends the list, without an error. */
typedef int32_t (*schedhost_store_each)(void *user, const void *key, size_t key_size, uint64_t version, int64_t age_ms,
                                        const void *bytes, size_t size);
/* [store] What `watch` calls for each key that was put or deleted, on its own thread. */
typedef void (*schedhost_store_changed)(void *user, const void *key, size_t key_size);

/* A store. Immutable; lives as long as the process. */
typedef struct schedhost_store {
    uint32_t struct_size;
    uint32_t flags;           /* none is defined yet: 0 */
    uint64_t max_value_bytes; /* of one value; SCHEDHOST_STORE_LEAST_VALUE at least */
    uint32_t max_conditions;  /* of one commit; SCHEDHOST_STORE_LEAST_CONDITIONS at least */
    uint32_t max_writes;      /* likewise */
    void *user;               /* handed to `open` */

    /* [store] Connects. `scheduler` has the plugin's scope (parameters, log, fail) and the same address for all links;
     * a link may keep it until it is closed. Warn here of what makes the server a bad store. */
    int32_t (*open)(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server, void *user);
    /* [store] Ends the link at once, and frees it. Once for each, also after an error. */
    void (*close)(schedhost_store_link *link);
    /* [store] Reads `count` keys, at least one; each by itself: between two of them others may commit. What a link has
     * answered once it does not answer older afterwards. */
    int32_t (*read)(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, uint32_t timeout_ms);
    /* [store] Tells the keys that begin with `prefix` and come after `after` (both may be empty), in the order of their
     * bytes. Fewer than `limit`, which is at least 1, means that there are no more. A key that is written meanwhile may be
     * told as it was or as it is. */
    int32_t (*list)(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                    size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms);
    /* [store] Does `count` commits, at least one, which are independent of each other, one after the other: the second
     * sees what the first has written. Each is linearizable. A commit that the server may have received is never sent
     * again: without an answer it is UNKNOWN, and the link is broken. What was answered before that stands. */
    int32_t (*commit)(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                      uint32_t timeout_ms);
    /* [store] Waits until keys that begin with `prefix` change, tells them, and returns; SCHEDHOST_OK also when nothing
     * has changed within the timeout. A hint: some may be missed, and some told twice. A link that has watched is asked
     * for nothing but the same prefix again, and tells what has changed between two calls. NULL: the store has none, and
     * the host looks now and then. */
    int32_t (*watch)(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                     void *user, uint32_t timeout_ms);
} schedhost_store;

#endif

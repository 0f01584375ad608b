/* The parts of the suite: a check in progress, and calls of a store that watch over the time. */
#ifndef CHECK_H
#define CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_check.h"

#define USUAL_MS 5000u        /* the timeout of a call that nothing keeps from its answer */
#define SHORT_MS 400u         /* of one that waits in vain */
#define SLACK_MS 600          /* a call that takes so much longer than its timeout has none */
#define ANY UINT64_MAX        /* no condition */
#define BROKEN 1000u          /* in place of a status: the call returned an error */

/* One check in progress. */
struct check {
    const struct store_check_setup *setup;
    const schedhost_store *store;
    const char *name;
    char space[SCHEDHOST_STORE_MAX_KEY + 1]; /* what the keys of this check begin with */
    char sentence[1024];                     /* how it fails; "" while it holds */
    bool left_out;
    schedhost_store_link *open[16]; /* links that were not closed yet: the check may end anywhere */
};

/* Notes how the check fails; the first one stands. */
__attribute__((format(printf, 2, 3))) void fault(struct check *check, const char *format, ...);
/* Says that this cannot be tried here. */
void leave_out(struct check *check, const char *what);

/* Ends the check where something does not hold. */
#define HOLDS(check, condition, ...)       \
    do {                                   \
        if (!(condition)) {                \
            fault((check), __VA_ARGS__);   \
        }                                  \
        if ((check)->sentence[0] != '\0') { \
            return;                        \
        }                                  \
    } while (0)
/* Ends the check where the server cannot be made to do that. */
#define CONTROL(check, what)                \
    do {                                    \
        if (!control((check), (what))) {    \
            leave_out((check), (what));     \
            return;                         \
        }                                   \
    } while (0)

bool control(const struct check *check, const char *what);

/* ---- time ---- */

int64_t clock_ms(void);
void sleep_for_ms(int64_t ms);

/* Faults when the call that began at `start` is late. */
void in_time(struct check *check, const char *call, int64_t start, uint32_t timeout_ms);
/* What the store said when it failed. */
const char *failure(const struct check *check);

/* ---- keys and values ---- */

struct key {
    size_t size;
    char text[SCHEDHOST_STORE_MAX_KEY + 1];
};
/* A key of this check: its space, and then this. */
__attribute__((format(printf, 2, 3))) struct key key_of(const struct check *check, const char *format, ...);

/* What grows as a store writes to it. */
struct sink {
    schedhost_writer writer;
    unsigned char *bytes;
    size_t size;
    size_t capacity;
};
void sink_begin(struct sink *sink);
void sink_end(struct sink *sink);

/* ---- calls, each of which faults when it takes too long ---- */

struct link {
    schedhost_store_link *raw; /* NULL: it could not be opened */
    uint32_t flags;
    char instance[SCHEDHOST_STORE_MAX_INSTANCE + 1];
    char failure[512]; /* why not */
};
/* Opens a link, or says in `failure` why not. Also faults where the answers do not fit each other. */
struct link link_open(struct check *check, uint32_t timeout_ms);
/* The same of a server that is coming back: tries for 10 s, then it is a fault. */
struct link link_open_again(struct check *check);
/* The same where nothing stands in the way: not to get one is a fault. */
struct link link_get(struct check *check);
void link_close(struct check *check, struct link *link);

/* One key, read. The status is BROKEN when the call returned an error; bytes are in `sink`, which may be NULL. */
struct value {
    uint32_t status;
    uint64_t version;
    int64_t age_ms;
};
struct value get(struct check *check, struct link *link, struct key key, struct sink *sink, uint32_t timeout_ms);
/* Whether the key has this text. */
bool has_text(struct check *check, struct link *link, struct key key, const char *text);

/* A commit in the making. */
struct commit {
    schedhost_store_commit raw;
    schedhost_store_condition *conditions;
    size_t condition_count;
    schedhost_store_write *writes;
    size_t write_count;
    const schedhost_store_condition **condition_list;
    const schedhost_store_write **write_list;
};
void commit_begin(struct commit *commit);
void commit_if(struct commit *commit, struct key key, uint64_t version);
void commit_put(struct commit *commit, struct key key, const void *bytes, size_t size, uint64_t keep_ms);
void commit_delete(struct commit *commit, struct key key);
/* Sends it, alone or with others; the status, or BROKEN. With an error the statuses are those of `raw` all the same. */
uint32_t commit_send(struct check *check, struct link *link, struct commit *commit, uint32_t timeout_ms);
bool commit_send_all(struct check *check, struct link *link, struct commit *commits, size_t count, uint32_t timeout_ms);
void commit_end(struct commit *commit);

/* Puts a text where the key has this version (ANY: without a condition); the status, and the version when DONE. */
uint32_t put_if(struct check *check, struct link *link, struct key key, uint64_t version, const char *text,
                uint64_t *new_version);
/* The same without a condition; not to be done is a fault. The version. */
uint64_t put(struct check *check, struct link *link, struct key key, const char *text);
/* Deletes the key; not to be done is a fault. */
void erase(struct check *check, struct link *link, struct key key);

/* Keys as a list told them. */
struct listed {
    struct key *keys;
    uint64_t *versions;
    size_t count;
    size_t stop_after; /* `each` answers 1 after so many; 0: never */
    size_t bytes;      /* of all values */
};
/* One list of keys that begin with the check's space and `prefix`; false after an error of the link. */
bool list(struct check *check, struct link *link, const char *prefix, const struct key *after, size_t limit,
          struct listed *listed, uint32_t timeout_ms);
void listed_end(struct listed *listed);

const char *status_name(uint32_t status);

/* ---- the checks ---- */

struct check_entry {
    const char *name;
    void (*run)(struct check *check);
};
/* Each ends with an entry without a name. */
extern const struct check_entry value_checks[];
extern const struct check_entry commit_checks[];
extern const struct check_entry list_checks[];
extern const struct check_entry fault_checks[];

#endif

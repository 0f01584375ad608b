/* A store without a server: a directory, a lock, and a file of what shall go wrong. Whoever has the directory shares it. */
#define _GNU_SOURCE
#include "fake_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct schedhost_store_link {
    const schedhost_scheduler *scheduler;
    int directory;
    int lock;
    char faults[4000];
    uint64_t instance; /* found when it was opened */
    uint64_t watched;  /* the last commit that watch has told of */
    bool broken;
    const char *lie;   /* the parameter: which promise it breaks, so that the suite is seen to find it */
};

static bool lies(const schedhost_store_link *link, const char *lie) { return strcmp(link->lie, lie) == 0; }

/* One call: what it works on while it has the lock. */
struct call {
    schedhost_store_link *link;
    int64_t deadline_ms;
    struct faults faults;
    struct data data;
    int64_t now_ms; /* by the store's clock */
};

static int64_t clock_of(clockid_t id) {
    struct timespec time;
    (void)clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}
static void sleep_us(long us) {
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&time, NULL);
}

static int32_t broken(schedhost_store_link *link, const char *why) {
    link->broken = !lies(link, "mends");
    return schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s", why);
}

static bool lock(schedhost_store_link *link, int64_t deadline_ms) {
    while (!lies(link, "unlocked") && flock(link->lock, LOCK_EX | LOCK_NB) != 0) {
        if (clock_of(CLOCK_MONOTONIC) >= deadline_ms) {
            return false;
        }
        sleep_us(100);
    }
    return true;
}
static void unlock(schedhost_store_link *link) { (void)flock(link->lock, LOCK_UN); }

/* What happens once to the whole store happens before the next call, whose link it breaks like all others. */
static void restart(struct call *call) {
    struct faults *faults = &call->faults;
    if (!faults->new_instance && !faults->wipe && faults->lose == 0) {
        return;
    }
    if (faults->lose > 0) {
        (void)data_lose(&call->data, call->link->directory, faults->lose, call->now_ms);
    }
    if (faults->wipe) {
        uint64_t instance = call->data.instance;
        data_free(&call->data);
        call->data.instance = instance;
    }
    call->data.instance++;
    (void)data_write(&call->data, call->link->directory);
    faults->new_instance = faults->wipe = false;
    faults->lose = 0;
    faults_write(faults, call->link->faults);
}

static void end(struct call *call) {
    data_free(&call->data);
    unlock(call->link);
}

/* Begins a call: waits for its turn, reads data and faults. An error ends it. */
static int32_t begin(struct call *call, schedhost_store_link *link, uint32_t timeout_ms) {
    memset(call, 0, sizeof *call);
    call->link = link;
    call->deadline_ms = clock_of(CLOCK_MONOTONIC) + timeout_ms;
    if (link->broken) {
        return schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "the link is broken");
    }
    faults_read(&call->faults, link->faults);
    if (call->faults.stop || call->faults.delay_ms > (int64_t)timeout_ms) {
        sleep_us(((long)timeout_ms + (lies(link, "late") ? 1500 : 0)) * 1000);
        return broken(link, "the store does not answer");
    }
    sleep_us((long)call->faults.delay_ms * 1000);
    if (!lock(link, call->deadline_ms)) {
        return broken(link, "the store is locked");
    }
    faults_read(&call->faults, link->faults);
    call->now_ms = clock_of(CLOCK_REALTIME) + call->faults.clock_ms;
    if (call->faults.down) {
        unlock(link);
        return broken(link, "the store is not there");
    }
    if (call->faults.fail > 0) {
        call->faults.fail--;
        faults_write(&call->faults, link->faults);
        unlock(link);
        return broken(link, "the store fails");
    }
    if (!data_read(&call->data, link->directory, call->now_ms)) {
        unlock(link);
        return broken(link, "the store's file cannot be read");
    }
    restart(call);
    if (link->instance != UINT64_MAX && link->instance != call->data.instance) {
        end(call);
        return broken(link, "the store was restarted");
    }
    return SCHEDHOST_OK;
}

static int64_t age(const struct call *call, const struct record *record) {
    int64_t ms = call->now_ms - record->written_ms;
    ms = lies(call->link, "young") ? 0 : ms;
    return call->faults.ageless ? -1 : ms > 0 ? ms : 0;
}

static void close_link(schedhost_store_link *link) {
    (void)close(link->directory);
    (void)close(link->lock);
    free(link);
}

static int32_t open_link(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server,
                         void *user) {
    const char *path = schedhost_param_string(scheduler, "directory", "");
    const char *faults = schedhost_param_string(scheduler, "faults", "");
    schedhost_store_link *link = calloc(1, sizeof *link);
    struct call call;
    char name[64];
    (void)user;
    if (link == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory");
    }
    link->scheduler = scheduler;
    link->lie = schedhost_param_string(scheduler, "lie", "");
    link->instance = UINT64_MAX;
    (void)snprintf(link->faults, sizeof link->faults, "%s%s", faults[0] != '\0' ? faults : path,
                   faults[0] != '\0' ? "" : "/faults");
    (void)mkdir(path, 0700);
    link->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    link->lock = openat(link->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (link->lock < 0) {
        int number = errno;
        close_link(link);
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "parameter 'directory', '%s': %s", path, strerror(number));
    }
    int32_t code = begin(&call, link, timeout_ms);
    if (code != SCHEDHOST_OK) {
        close_link(link);
        return code;
    }
    link->instance = call.data.instance;
    link->watched = call.data.sequence;
    end(&call);
    (void)snprintf(name, sizeof name, "instance-%" PRIu64, lies(link, "same-name") ? 0 : link->instance);
    (void)schedhost_write(server->instance, name, strlen(name));
    server->link = link;
    return SCHEDHOST_OK;
}

static int32_t read_keys(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count,
                         uint32_t timeout_ms) {
    struct call call;
    int32_t code = begin(&call, link, timeout_ms);
    if (code != SCHEDHOST_OK) {
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        bool found;
        size_t at = data_find(&call.data, reads[i]->key, reads[i]->key_size, &found);
        reads[i]->status = found ? SCHEDHOST_STORE_DONE : SCHEDHOST_STORE_ABSENT;
        reads[i]->version = found ? call.data.records[at].version : 0;
        reads[i]->age_ms = found ? age(&call, &call.data.records[at]) : -1;
        if (found && reads[i]->writer != NULL) {
            (void)schedhost_write(reads[i]->writer, call.data.records[at].bytes, call.data.records[at].size);
        }
    }
    end(&call);
    return SCHEDHOST_OK;
}

static int32_t list_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                         size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms) {
    struct call call;
    bool found;
    int32_t code = begin(&call, link, timeout_ms);
    if (code != SCHEDHOST_OK) {
        return code;
    }
    size_t at = data_find(&call.data, prefix, prefix_size, &found);
    if (after_size > 0) {
        size_t next = data_find(&call.data, after, after_size, &found);
        next += found;
        at = next > at ? next : at;
    }
    limit -= lies(link, "short-pages") && limit > 1;
    if (lies(link, "unordered") && at + 1 < call.data.count) {
        struct record first = call.data.records[at];
        call.data.records[at] = call.data.records[at + 1];
        call.data.records[at + 1] = first;
    }
    for (; at < call.data.count && limit > 0; at++, limit--) {
        const struct record *record = &call.data.records[at];
        if (record->key_size < prefix_size || memcmp(record->key, prefix, prefix_size) != 0 ||
            each(user, record->key, record->key_size, record->version, age(&call, record), record->bytes,
                 record->size) != 0) {
            break;
        }
    }
    end(&call);
    return SCHEDHOST_OK;
}

/* One commit, with the lock; false when it cannot be written. */
static bool commit_one(struct call *call, schedhost_store_commit *commit) {
    for (size_t i = 0; commit->conditions[i] != NULL; i++) {
        const schedhost_store_condition *condition = commit->conditions[i];
        bool found;
        size_t at = data_find(&call->data, condition->key, condition->key_size, &found);
        if ((found ? call->data.records[at].version : 0) != condition->version && !lies(call->link, "blind")) {
            if (lies(call->link, "half") && i > 0) {
                struct record record = {commit->writes[0]->key, commit->writes[0]->key_size, commit->writes[0]->bytes,
                                        commit->writes[0]->size, ++call->data.sequence, call->now_ms, 0};
                data_put(&call->data, &record);
                (void)data_write(&call->data, call->link->directory);
            }
            commit->status = SCHEDHOST_STORE_CHANGED;
            return true;
        }
    }
    call->data.sequence++;
    for (size_t i = 0; commit->writes[i] != NULL; i++) {
        const schedhost_store_write *write = commit->writes[i];
        if ((write->flags & SCHEDHOST_STORE_DELETE) != 0) {
            data_delete(&call->data, write->key, write->key_size);
        } else {
            bool found;
            size_t at = data_find(&call->data, write->key, write->key_size, &found);
            uint64_t version = !lies(call->link, "per-key") ? call->data.sequence
                               : found                      ? call->data.records[at].version + 1
                                                            : 1;
            struct record record = {write->key, write->key_size, write->bytes, write->size, version,
                                    call->now_ms, write->keep_ms > 0 ? call->now_ms + (int64_t)write->keep_ms : 0};
            data_put(&call->data, &record);
        }
    }
    if (!data_write(&call->data, call->link->directory)) {
        return false;
    }
    commit->status = SCHEDHOST_STORE_DONE;
    bool found;
    size_t at = data_find(&call->data, commit->writes[0]->key, commit->writes[0]->key_size, &found);
    commit->version = found && lies(call->link, "per-key") ? call->data.records[at].version : call->data.sequence;
    commit->now_ms = call->faults.ageless ? -1 : call->now_ms;
    return true;
}

static int32_t commit_all(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                          uint32_t timeout_ms) {
    struct call call;
    int32_t code = begin(&call, link, timeout_ms);
    if (code != SCHEDHOST_OK) {
        return code;
    }
    for (size_t i = 0; i < count && code == SCHEDHOST_OK; i++) {
        if (call.faults.lost_unknown > 0) {
            call.faults.lost_unknown--;
            faults_write(&call.faults, link->faults);
            if (lies(link, "stubborn") && commit_one(&call, commits[i])) {
                commits[i]->status = SCHEDHOST_STORE_UNKNOWN;
            }
            code = broken(link, "the connection broke");
        } else if (!commit_one(&call, commits[i])) {
            code = broken(link, "the store's file cannot be written");
        } else if (call.faults.done_unknown > 0) {
            call.faults.done_unknown--;
            faults_write(&call.faults, link->faults);
            commits[i]->status = lies(link, "hopeful") ? SCHEDHOST_STORE_DONE : SCHEDHOST_STORE_UNKNOWN;
            code = broken(link, "the connection broke before the answer came");
        }
    }
    end(&call);
    return code;
}

/* Looks every 2 ms. What is deleted it misses, as one may. */
static int32_t watch(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                     void *user, uint32_t timeout_ms) {
    int64_t until = clock_of(CLOCK_MONOTONIC) + timeout_ms;
    bool told = false;
    if (lies(link, "eager")) {
        changed(user, "p/lease/routine/a", 17);
        return SCHEDHOST_OK;
    }
    do {
        struct call call;
        int32_t code = begin(&call, link, timeout_ms);
        if (code != SCHEDHOST_OK) {
            return code;
        }
        for (size_t i = 0; i < call.data.count && link->watched < call.data.sequence; i++) {
            const struct record *record = &call.data.records[i];
            if (record->version > link->watched && record->key_size >= prefix_size &&
                memcmp(record->key, prefix, prefix_size) == 0) {
                changed(user, record->key, record->key_size);
                told = true;
            }
        }
        link->watched = call.data.sequence;
        end(&call);
        sleep_us(told ? 0 : 2000);
    } while (!told && clock_of(CLOCK_MONOTONIC) < until);
    return SCHEDHOST_OK;
}

static const schedhost_store store = {
    SCHEDHOST_SIZED(schedhost_store), .max_value_bytes = 1048576, .max_conditions = 1024, .max_writes = 1024,
    .open = open_link, .close = close_link, .read = read_keys, .list = list_keys, .commit = commit_all, .watch = watch};

static const void *extension(const char *id) { return strcmp(id, SCHEDHOST_STORE_ID) == 0 ? &store : NULL; }

static const schedhost_parameter directory = {SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING,
                                              .name = "directory", .description = "where the store is"};
static const schedhost_parameter faults = {SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING,
                                           .name = "faults",
                                           .description = "the file of what shall go wrong; without: DIRECTORY/faults"};
static const schedhost_parameter lie = {SCHEDHOST_SIZED(schedhost_parameter), .type = SCHEDHOST_PARAM_STRING, .name = "lie",
                                        .description = "the promise that it breaks; without: none"};
static const schedhost_parameter *const parameters[] = {&directory, &faults, &lie, NULL};

static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = "fake-store", .version = "1.0.0",
                                        .description = "a store in a directory, for tests", .needs_minor = 1,
                                        .parameters = parameters, .extension = extension};
SCHEDHOST_PLUGIN_NEEDS(&plugin, 1u)

/* How long calls of a store take: p50 and p99 in microseconds. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "driver.h"

enum { KEYS = 257 };

struct subject {
    const schedhost_store *store;
    schedhost_store_link *link;
    char names[KEYS][96];
    uint64_t versions[KEYS];
    char value[1024];
};

static int64_t clock_ns(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int32_t drop(schedhost_writer *writer, const void *bytes, size_t size) {
    (void)writer, (void)bytes, (void)size;
    return SCHEDHOST_OK;
}

static int read_one(struct subject *subject, size_t count) {
    schedhost_writer writer = {SCHEDHOST_SIZED(schedhost_writer), .write = drop};
    schedhost_store_read read = {SCHEDHOST_SIZED(schedhost_store_read), .status = SCHEDHOST_STORE_UNKNOWN,
                                 .key = subject->names[0], .key_size = strlen(subject->names[0]), .writer = &writer};
    schedhost_store_read *const reads[] = {&read};
    (void)count;
    return subject->store->read(subject->link, reads, 1, 5000) == SCHEDHOST_OK && read.status == SCHEDHOST_STORE_DONE;
}

/* So many conditions, and one write: of a key, or with NULL bytes its end. */
static int commit_key(struct subject *subject, size_t key, size_t count, const char *bytes) {
    static schedhost_store_condition conditions[KEYS];
    const schedhost_store_condition *list[KEYS + 1] = {NULL};
    schedhost_store_write write = {SCHEDHOST_SIZED(schedhost_store_write), .key = subject->names[key],
                                   .key_size = strlen(subject->names[key]), .bytes = bytes,
                                   .size = bytes != NULL ? sizeof subject->value : 0,
                                   .flags = bytes != NULL ? 0u : SCHEDHOST_STORE_DELETE};
    const schedhost_store_write *writes[] = {&write, NULL};
    schedhost_store_commit commit = {SCHEDHOST_SIZED(schedhost_store_commit), .status = SCHEDHOST_STORE_UNKNOWN,
                                     .conditions = list, .writes = writes};
    schedhost_store_commit *const commits[] = {&commit};
    for (size_t i = 0; i < count; i++) {
        conditions[i] = (schedhost_store_condition){SCHEDHOST_SIZED(schedhost_store_condition), .key = subject->names[i],
                                                    .key_size = strlen(subject->names[i]),
                                                    .version = subject->versions[i]};
        list[i] = &conditions[i];
    }
    if (subject->store->commit(subject->link, commits, 1, 5000) != SCHEDHOST_OK || commit.status != SCHEDHOST_STORE_DONE) {
        return 0;
    }
    subject->versions[key] = commit.version;
    return 1;
}
static int commit_one(struct subject *subject, size_t count) { return commit_key(subject, 0, count, subject->value); }

static int32_t count_one(void *user, const void *key, size_t key_size, uint64_t version, int64_t age_ms, const void *bytes,
                         size_t size) {
    (void)key, (void)key_size, (void)version, (void)age_ms, (void)bytes, (void)size;
    ++*(size_t *)user;
    return 0;
}
static int list_some(struct subject *subject, size_t count) {
    size_t told = 0;
    return subject->store->list(subject->link, subject->names[0], strlen(subject->names[0]) - 3, NULL, 0, count, count_one,
                                &told, 5000) == SCHEDHOST_OK && told == count;
}

static int time_calls(struct subject *subject, const char *name, int (*call)(struct subject *, size_t), size_t count,
                      size_t samples) {
    int64_t *times = calloc(samples, sizeof *times);
    if (times == NULL) {
        return 1;
    }
    for (size_t i = 0; i < samples + samples / 10; i++) { /* the first tenth warms up */
        int64_t start = clock_ns();
        if (!call(subject, count)) {
            fprintf(stderr, "storecheck: %s: %s\n", name, driver_failure(NULL));
            free(times);
            return 1;
        }
        times[i < samples / 10 ? 0 : i - samples / 10] = clock_ns() - start;
    }
    qsort(times, samples, sizeof times[0], by_size);
    printf("%s p50=%.1f p90=%.1f p99=%.1f max=%.1f\n", name, (double)times[samples / 2] / 1000,
           (double)times[samples * 9 / 10] / 1000, (double)times[samples * 99 / 100] / 1000,
           (double)times[samples - 1] / 1000);
    free(times);
    return 0;
}

int driver_measure(const schedhost_store *store, const char *prefix, const char *only, size_t samples) {
    static struct subject subject;
    schedhost_writer writer = {SCHEDHOST_SIZED(schedhost_writer), .write = drop};
    schedhost_store_server server = {SCHEDHOST_SIZED(schedhost_store_server), .instance = &writer};
    if (store->open(&driver_scheduler, 5000, &server, store->user) != SCHEDHOST_OK) {
        fprintf(stderr, "storecheck: %s\n", driver_failure(NULL));
        return 1;
    }
    subject.store = store;
    subject.link = server.link;
    memset(subject.value, 'x', sizeof subject.value);
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(subject.names[i], sizeof subject.names[i], "%smeasure/%03zu", prefix, i);
        if (!commit_key(&subject, i, 0, subject.value)) {
            fprintf(stderr, "storecheck: %s\n", driver_failure(NULL));
            return 1;
        }
    }
    static const struct {
        const char *name;
        int (*call)(struct subject *, size_t);
        size_t count;
        size_t part; /* of the samples that are wished: one in so many */
    } kinds[] = {{"read", read_one, 1, 1}, {"commit-2", commit_one, 2, 4}, {"commit-65", commit_one, 65, 8},
                 {"commit-257", commit_one, 257, 16}, {"list-20", list_some, 20, 4}};
    int failed = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !failed; i++) {
        bool is_wanted = only == NULL || strcmp(only, kinds[i].name) == 0;
        if (is_wanted && (kinds[i].call != commit_one || kinds[i].count <= store->max_conditions)) {
            failed = time_calls(&subject, kinds[i].name, kinds[i].call, kinds[i].count, samples / kinds[i].part + 10);
        }
    }
    for (size_t i = 0; i < KEYS; i++) {
        failed = !commit_key(&subject, i, 0, NULL) || failed;
    }
    store->close(subject.link);
    return failed;
}

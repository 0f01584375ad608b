/* What the files of the fixture `cachetest` share. */
#ifndef CACHETEST_H
#define CACHETEST_H

#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <schedhost/plugin.h>

/* The routine's scheduler, from the first callback on. */
extern const schedhost_scheduler *self;
extern int checks, failures;

void check(int holds, int line, const char *what);
#define CHECK(what) check((what), __LINE__, #what)

/* How a source behaves; handed to it as `user`. */
struct behaviour {
    const char *text;      /* what it writes */
    int32_t code;          /* what it returns */
    const char *message;   /* what it attaches */
    int sleep_ms;
    schedhost_cache *asks; /* a cache that it gets */
    int32_t answer;        /* what that returned */
    int ends;              /* it asks for the session's end */
    void *object;
    size_t cost;
    atomic_int calls;
    atomic_int finished;
    pthread_t thread;      /* of its last call */
    const schedhost_scheduler *scheduler;
    int was_stopped;       /* its sleep ended early */
};
int32_t source(const schedhost_scheduler *scheduler, const void *key, size_t key_size, schedhost_writer *writer,
               void *user);

/* Opens a cache: a memory cache unless `disk`. */
schedhost_cache *open_cache(const char *name, int disk, uint32_t flags, int64_t expire_ms, int64_t refresh_ms,
                            struct behaviour *behaviour);
/* Whether a value has that state and that text. */
int is(const schedhost_cache_value *value, uint32_t state, const char *text);
/* Gets the unkeyed value. */
int32_t get(schedhost_cache *cache, int fresh, int64_t tolerance_ms, schedhost_cache_value *value);
schedhost_cache_counters counters(schedhost_cache *cache);

/* A scenario's cycle; it ends the session when it is over. */
typedef int32_t (*scenario)(uint64_t cycle);
int32_t run_arguments(uint64_t cycle);
int32_t run_lifetimes(uint64_t cycle);
int32_t run_objects(uint64_t cycle);
int32_t run_threads(uint64_t cycle);
int32_t run_sources(uint64_t cycle);
int32_t run_refresh(uint64_t cycle);
int32_t run_again(uint64_t cycle);
int32_t run_value(uint64_t cycle);
int32_t run_save(uint64_t cycle);
int32_t run_big(uint64_t cycle);
int32_t run_speed(uint64_t cycle);
int32_t run_put_speed(uint64_t cycle);
int32_t run_poll(uint64_t cycle);
/* What `stop` checks of the scenarios that want it. */
void stop_refresh(void);

#endif

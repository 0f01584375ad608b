/* Threads, sources, reloads in the background, and sessions one after the other. */
#include "cachetest.h"

#define THREADS 16

struct call {
    schedhost_cache *cache;
    int fresh;
    int32_t code;
    schedhost_cache_value value;
    char error[16]; /* what the host says of it to that thread */
};

static void *call_get(void *argument) {
    struct call *call = argument;
    call->code = get(call->cache, call->fresh, 0, &call->value);
    snprintf(call->error, sizeof call->error, "%s", schedhost_cache_error(self, call->cache));
    return NULL;
}

static void get_all(struct call *calls, schedhost_cache *cache, int fresh) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        calls[i] = (struct call){.cache = cache, .fresh = fresh};
        CHECK(pthread_create(&threads[i], NULL, call_get, &calls[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

int32_t run_threads(uint64_t cycle) {
    static struct behaviour slow = {.text = "slow", .sleep_ms = 50}, failing = {.code = 5, .message = "down", .sleep_ms = 50};
    static struct call calls[THREADS];
    schedhost_cache *cache = open_cache("c", 0, 0, INT64_MAX, 0, &slow);
    schedhost_cache *down = open_cache("d", 0, 0, INT64_MAX, 0, &failing);
    if (cycle == 0) {
        get_all(calls, cache, 0);
        CHECK(atomic_load(&slow.calls) == 1 && slow.scheduler == self);
        for (int i = 0; i < THREADS; i++) {
            CHECK(calls[i].code == SCHEDHOST_OK && is(&calls[i].value, calls[i].value.state, "slow"));
            CHECK(calls[i].value.generation == 1);
        }
        CHECK(schedhost_cache_put(self, cache, "next", 4) == SCHEDHOST_OK);
        return SCHEDHOST_OK;
    }
    /* What a thread of ours got came pinned: alive after the callback, and replaced long since. */
    for (int i = 0; i < THREADS; i++) {
        CHECK(is(&calls[i].value, calls[i].value.state, "slow"));
        schedhost_cache_release(self, &calls[i].value);
    }
    atomic_store(&slow.calls, 0);
    get_all(calls, cache, 1);
    CHECK(atomic_load(&slow.calls) >= 1 && atomic_load(&slow.calls) <= 2);
    for (int i = 0; i < THREADS; i++) {
        CHECK(calls[i].code == SCHEDHOST_OK && is(&calls[i].value, SCHEDHOST_VALUE_LOADED, "slow"));
        schedhost_cache_release(self, &calls[i].value);
    }
    get_all(calls, down, 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK(calls[i].code == SCHEDHOST_SOURCE_FAILED && calls[i].value.last_error == 5);
        CHECK(strcmp(calls[i].error, "down") == 0);
    }
    CHECK(counters(down).load_failures == 1 && atomic_load(&failing.calls) == 1);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

int32_t run_sources(uint64_t cycle) {
    static struct behaviour a, b, short_lived;
    schedhost_cache *first = open_cache("a", 0, 0, INT64_MAX, 0, &a);
    schedhost_cache *next = open_cache("b", 1, 0, INT64_MAX, 0, &b);
    schedhost_cache *stale = open_cache("s", 0, 0, 1, 0, &short_lived);
    schedhost_cache_value value, old;
    if (cycle > 0) {
        /* The end that the source asked for should have come before. */
        CHECK(0);
        return SCHEDHOST_ERROR;
    }
    CHECK(get(first, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, ""));
    /* Its own cache, directly and through another. */
    a = (struct behaviour){.asks = first};
    CHECK(get(first, 1, 0, &value) == SCHEDHOST_OK && a.answer == SCHEDHOST_OK);
    CHECK(schedhost_cache_invalidate(self, first) == SCHEDHOST_OK);
    CHECK(get(first, 0, 0, &value) == SCHEDHOST_OK && a.answer == SCHEDHOST_REENTRANT);
    CHECK(schedhost_cache_invalidate(self, first) == SCHEDHOST_OK);
    a = (struct behaviour){.asks = next};
    b = (struct behaviour){.asks = first};
    CHECK(get(first, 0, 0, &value) == SCHEDHOST_OK && a.answer == SCHEDHOST_OK && b.answer == SCHEDHOST_REENTRANT);
    /* Failures: the code, the text, the old value, and what is served within the tolerance. */
    short_lived = (struct behaviour){.text = "old"};
    CHECK(get(stale, 0, 0, &old) == SCHEDHOST_OK);
    short_lived = (struct behaviour){.code = 42, .message = "no network"};
    CHECK(schedhost_sleep_ms(self, 3) == 0);
    CHECK(get(stale, 0, 60000, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_STALE, "old"));
    CHECK(value.last_error == 42 && value.age_ms >= 3 && value.generation == old.generation);
    CHECK(get(stale, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED && value.state == SCHEDHOST_VALUE_NONE);
    CHECK(value.last_error == 42 && value.data == NULL);
    CHECK(strcmp(schedhost_cache_error(self, stale), "no network") == 0);
    CHECK(schedhost_cache_peek(self, stale, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "old"));
    CHECK(counters(stale).load_failures == 2 && counters(stale).stale_served == 1 && counters(stale).loads == 1);
    /* A source may ask for the session's end: on the callback's thread it is the callback's own. */
    short_lived = (struct behaviour){.text = "last", .ends = 1};
    CHECK(get(stale, 1, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, "last"));
    return SCHEDHOST_OK;
}

static struct behaviour ahead = {.text = "first"}, inner = {.text = "inner"};

int32_t run_refresh(uint64_t cycle) {
    schedhost_cache *cache = open_cache("c", 0, 0, 3600000, 5, &ahead);
    schedhost_cache *other = open_cache("i", 0, 0, INT64_MAX, 0, &inner);
    schedhost_cache_value value;
    (void)cycle;
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, "first"));
    CHECK(pthread_equal(ahead.thread, pthread_self()));
    /* On a thread of the host's: with our scheduler, sleeping, asking another cache, and no end of the session. */
    ahead = (struct behaviour){.asks = other, .sleep_ms = 20, .ends = 1};
    schedhost_sleep_ms(self, 10);
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "first"));
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "first"));
    for (int i = 0; i < 5000 && atomic_load(&ahead.finished) == 0; i++) {
        schedhost_sleep_ms(self, 1);
    }
    for (int i = 0; i < 5000 && counters(cache).loads < 2; i++) {
        schedhost_sleep_ms(self, 1);
    }
    CHECK(atomic_load(&ahead.calls) == 1 && ahead.scheduler == self && !pthread_equal(ahead.thread, pthread_self()));
    CHECK(ahead.answer == SCHEDHOST_OK && ahead.was_stopped == 0);
    /* It does not read the old one's bytes away from us. */
    CHECK(is(&value, SCHEDHOST_VALUE_HIT, "first"));
    CHECK(schedhost_cache_peek(self, cache, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "inner"));
    /* A reload that would take a minute, in progress when the session ends. */
    ahead = (struct behaviour){.text = "late", .sleep_ms = 60000};
    schedhost_sleep_ms(self, 10);
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && value.state == SCHEDHOST_VALUE_HIT);
    for (int i = 0; i < 5000 && atomic_load(&ahead.calls) == 0; i++) {
        schedhost_sleep_ms(self, 1);
    }
    CHECK(atomic_load(&ahead.finished) == 0);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

void stop_refresh(void) {
    /* It was told to stop, and is over before we take away what it uses. */
    CHECK(atomic_load(&ahead.finished) == 1 && ahead.was_stopped == 1);
    /* Nobody asked this session to stop. */
    CHECK(schedhost_stop_requested(self) == 0);
}

int32_t run_again(uint64_t cycle) {
    static struct behaviour session[2] = {{.text = "one"}, {.text = "two"}};
    int second = schedhost_where(self)->session_before == SCHEDHOST_BEFORE_ERROR;
    schedhost_cache *cache = open_cache("c", 0, 0, INT64_MAX, 0, &session[second]);
    schedhost_cache_value value;
    (void)cycle;
    if (!second) {
        CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, "one"));
        return schedhost_fail(self, 1, "for a session after this one");
    }
    /* The value is there still; the source is called with what this session gave. */
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "one"));
    CHECK(get(cache, 1, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, "two"));
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

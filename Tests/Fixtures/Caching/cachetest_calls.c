/* What a plugin may pass, how long what it gets lives, and what is released when. */
#include <math.h>
#include "cachetest.h"

#define NAME_MAX_BYTES 4096
#define KEY_MAX 65536

static void check_openings(void) {
    schedhost_cache *cache = (schedhost_cache *)&cache;
    schedhost_cache_options options = {.struct_size = sizeof options, .expire_ms = 1000};
    char *name = malloc(NAME_MAX_BYTES + 2);
    memset(name, 'n', NAME_MAX_BYTES + 1);
    name[NAME_MAX_BYTES + 1] = 0;
    CHECK(self->host->cache_memory(self, name, &options, &cache) == SCHEDHOST_INVALID && cache == NULL);
    name[NAME_MAX_BYTES] = 0;
    CHECK(self->host->cache(self, name, &options, &cache) == SCHEDHOST_OK && cache != NULL);
    CHECK(self->host->cache_put(self, cache, NULL, 0, "long", 4) == SCHEDHOST_OK);
    free(name);
    CHECK(self->host->cache_memory(self, NULL, &options, &cache) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_memory(NULL, "x", &options, &cache) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_memory(self, "x", NULL, &cache) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_memory(self, "x", &options, NULL) == SCHEDHOST_INVALID);
    options.flags = 1u << 20;
    CHECK(self->host->cache_memory(self, "x", &options, &cache) == SCHEDHOST_UNSUPPORTED);
    options.flags = SCHEDHOST_CACHE_OBJECTS;
    CHECK(self->host->cache(self, "x", &options, &cache) == SCHEDHOST_INVALID && cache == NULL);
    options.flags = 0;
    options.expire_ms = -1;
    CHECK(self->host->cache_memory(self, "x", &options, &cache) == SCHEDHOST_INVALID);
    options.expire_ms = 0;
    options.refresh_after_ms = -1;
    CHECK(self->host->cache_memory(self, "x", &options, &cache) == SCHEDHOST_INVALID);
    /* Of a shorter struct only what it has counts. */
    options.struct_size = offsetof(schedhost_cache_options, refresh_after_ms);
    CHECK(self->host->cache_memory(self, "short", &options, &cache) == SCHEDHOST_OK && cache != NULL);
    options.struct_size = 4;
    CHECK(self->host->cache_memory(self, "x", &options, &cache) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_memory(self, "", &(schedhost_cache_options){.struct_size = sizeof options}, &cache) ==
          SCHEDHOST_OK);
}

int32_t run_arguments(uint64_t cycle) {
    struct behaviour made = {.text = "made"};
    schedhost_cache *cache = open_cache("c", 0, 0, 3600000, 0, &made);
    schedhost_cache *objects = open_cache("o", 0, SCHEDHOST_CACHE_OBJECTS, 3600000, 0, NULL);
    schedhost_cache_value value = {.struct_size = sizeof value};
    schedhost_cache_request request = {.struct_size = sizeof request};
    schedhost_cache_counters few = {.struct_size = 24, .loads = 77};
    schedhost_scheduler other = *self;
    char *key = calloc(1, KEY_MAX + 1);
    (void)cycle;
    check_openings();
    /* tolerances */
    CHECK(get(cache, 0, INT64_MIN, &value) == SCHEDHOST_INVALID && value.state == SCHEDHOST_VALUE_NONE);
    CHECK(get(cache, 0, -1, &value) == SCHEDHOST_INVALID);
    CHECK(get(cache, 1, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_LOADED, "made"));
    CHECK(get(cache, 1, INT64_MAX, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "made"));
    CHECK(get(cache, 1, INT64_MAX / 1000, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "made"));
    CHECK(self->host->cache_get(self, cache, NULL, &value) == SCHEDHOST_OK && value.state == SCHEDHOST_VALUE_HIT);
    /* structs that are shorter or say more */
    request.flags = SCHEDHOST_GET_FRESH;
    request.tolerance_ms = -1;
    request.struct_size = 8;
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_OK && value.state == SCHEDHOST_VALUE_LOADED);
    request.struct_size = 7;
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_INVALID);
    request = (schedhost_cache_request){.struct_size = sizeof request + 64, .flags = 2};
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_UNSUPPORTED);
    value.struct_size = sizeof value - 1;
    value.state = 99;
    CHECK(self->host->cache_get(self, cache, NULL, &value) == SCHEDHOST_INVALID && value.state == 99);
    value.struct_size = sizeof value;
    CHECK(self->host->cache_get(self, cache, NULL, NULL) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_get(self, NULL, NULL, &value) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_get(&other, cache, NULL, &value) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_counters(self, cache, &few) == SCHEDHOST_OK && few.hits == 3 && few.load_failures == 0);
    CHECK(few.loads == 2);
    /* keys */
    request = (schedhost_cache_request){.struct_size = sizeof request, .key = key, .key_size = KEY_MAX};
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_OK && value.state == SCHEDHOST_VALUE_LOADED);
    request.key_size = KEY_MAX + 1;
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_INVALID && value.data == NULL);
    request.key_size = SIZE_MAX;
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_INVALID);
    request.key = NULL;
    request.key_size = 1;
    CHECK(self->host->cache_get(self, cache, &request, &value) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_peek(self, cache, NULL, 1, &value) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_peek(self, cache, "none", 4, &value) == SCHEDHOST_NOT_FOUND);
    CHECK(self->host->cache_invalidate(self, cache, "none", 4) == SCHEDHOST_NOT_FOUND);
    CHECK(self->host->cache_invalidate(self, cache, key, KEY_MAX) == SCHEDHOST_OK);
    /* puts */
    CHECK(self->host->cache_put(self, cache, NULL, 0, NULL, 1) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_put(self, cache, NULL, 0, "x", SIZE_MAX) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_put(self, objects, NULL, 0, "x", 1) == SCHEDHOST_INVALID);
    CHECK(self->host->cache_put(self, cache, NULL, 0, NULL, 0) == SCHEDHOST_OK);
    CHECK(schedhost_cache_peek(self, cache, &value) == SCHEDHOST_OK && value.size == 0);
    CHECK(value.age_ms >= 0 && value.age_ms < 60000);
    CHECK(value.age_seconds >= 0 && (int64_t)(value.age_seconds * 1000) - value.age_ms <= 1);
    CHECK(schedhost_tolerance_ms(0.5) == 500 && schedhost_tolerance_ms(0) == 0 && schedhost_tolerance_ms(-1) < 0);
    CHECK(schedhost_tolerance_ms((double)INFINITY) == INT64_MAX && schedhost_tolerance_ms((double)NAN) < 0);
    /* Too large: what was there is outdated. */
    key = realloc(key, (16 << 20) + 1);
    CHECK(schedhost_cache_put(self, cache, key, (16 << 20) + 1) == SCHEDHOST_TOO_LARGE);
    CHECK(schedhost_cache_peek(self, cache, &value) == SCHEDHOST_NOT_FOUND && value.state == SCHEDHOST_VALUE_NONE);
    free(key);
    /* nothing to do */
    schedhost_cache_pin(self, &value);
    schedhost_cache_release(self, &value);
    schedhost_cache_pin(self, NULL);
    schedhost_cache_release(self, NULL);
    CHECK(strcmp(self->host->cache_error(self, NULL), "") == 0);
    CHECK(strcmp(self->host->cache_error(self, cache), "") == 0);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

int32_t run_lifetimes(uint64_t cycle) {
    static struct behaviour failing = {.code = 3, .message = "first"};
    static schedhost_cache_value pinned, unpinned;
    schedhost_cache *cache = open_cache("c", 0, 0, INT64_MAX, 0, NULL);
    schedhost_cache *failed = open_cache("f", 0, 0, 0, 0, &failing);
    schedhost_cache_value value, second;
    const char *text;
    if (cycle == 0) {
        CHECK(schedhost_cache_put(self, cache, "one", 3) == SCHEDHOST_OK);
        CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK);
        /* The host counts: the struct and its copy each give a pin, and each take one back. */
        pinned = value;
        schedhost_cache_pin(self, &pinned);
        schedhost_cache_pin(self, &value);
        CHECK(schedhost_cache_put(self, cache, "two", 3) == SCHEDHOST_OK);
        CHECK(get(cache, 0, 0, &second) == SCHEDHOST_OK && second.generation == value.generation + 1);
        CHECK(schedhost_cache_invalidate(self, cache) == SCHEDHOST_OK);
        /* Replaced and dropped, and both alive until this callback returns. */
        CHECK(is(&value, SCHEDHOST_VALUE_HIT, "one") && is(&second, SCHEDHOST_VALUE_HIT, "two"));
        unpinned = second;
        /* So is an error's text. */
        CHECK(get(failed, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED && value.last_error == 3);
        text = self->host->cache_error(self, failed);
        CHECK(strcmp(text, "first") == 0);
        failing.message = "second";
        CHECK(get(failed, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED);
        CHECK(strcmp(text, "first") == 0 && strcmp(self->host->cache_error(self, failed), "second") == 0);
        return SCHEDHOST_OK;
    }
    if (cycle == 1) {
        schedhost_cache_value copy = pinned;
        CHECK(is(&pinned, SCHEDHOST_VALUE_HIT, "one"));
        schedhost_cache_release(self, &copy);
        CHECK(is(&pinned, SCHEDHOST_VALUE_HIT, "one"));
        schedhost_cache_release(self, &pinned);
        /* Neither of the two is ours any more: both do nothing. */
        schedhost_cache_release(self, &pinned);
        schedhost_cache_release(self, &copy);
        schedhost_cache_release(self, &unpinned);
        return SCHEDHOST_OK;
    }
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

static int released[64];
static void release(void *object) { ++*(int *)object; }

int32_t run_objects(uint64_t cycle) {
    static struct behaviour made;
    schedhost_cache *cache = open_cache("o", 0, SCHEDHOST_CACHE_OBJECTS, INT64_MAX, 0, &made);
    schedhost_cache *bytes = open_cache("b", 0, 0, INT64_MAX, 0, &made);
    schedhost_cache_value value;
    int sum = 0;
    if (cycle == 0) {
        for (int i = 0; i < 2; i++) {
            CHECK(self->host->cache_put_object(self, cache, NULL, 0, &released[i], release, 8) == SCHEDHOST_OK);
        }
        CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && value.object == &released[1] && value.data == NULL);
        schedhost_cache_pin(self, &value);
        CHECK(self->host->cache_put_object(self, cache, NULL, 0, &released[2], release, 8) == SCHEDHOST_OK);
        /* Those that fail stay the caller's. */
        CHECK(self->host->cache_put_object(self, bytes, NULL, 0, &released[3], release, 8) == SCHEDHOST_INVALID);
        CHECK(self->host->cache_put_object(self, cache, NULL, 1, &released[3], release, 8) == SCHEDHOST_INVALID);
        CHECK(self->host->cache_put_object(self, cache, NULL, 0, NULL, release, 8) == SCHEDHOST_INVALID);
        CHECK(self->host->cache_put_object(self, cache, NULL, 0, &released[3], release, SIZE_MAX) ==
              SCHEDHOST_TOO_LARGE);
        CHECK(released[0] + released[1] + released[2] + released[3] == 0);
        schedhost_cache_release(self, &value);
        return SCHEDHOST_OK;
    }
    if (cycle == 1) {
        CHECK(released[0] == 1 && released[1] == 1 && released[2] == 1 && released[3] == 0);
        /* 64 of 16 MiB do not fit in 256 MiB: each that goes is released once, those that stay are not. */
        for (int i = 0; i < 64; i++) {
            released[i] = 0;
            CHECK(self->host->cache_put_object(self, cache, &i, sizeof i, &released[i], release, 16 << 20) ==
                  SCHEDHOST_OK);
        }
        return SCHEDHOST_OK;
    }
    if (cycle == 2) {
        for (int i = 0; i < 64; i++) {
            CHECK(released[i] <= 1);
            sum += released[i];
        }
        CHECK(sum >= 48 && sum < 64 && counters(cache).evictions == (uint64_t)sum && counters(cache).bytes <= 256 << 20);
        for (int i = 0; i < 64; i++) {
            int32_t code = self->host->cache_invalidate(self, cache, &i, sizeof i);
            CHECK(code == (released[i] ? SCHEDHOST_NOT_FOUND : SCHEDHOST_OK));
        }
        return SCHEDHOST_OK;
    }
    if (cycle == 3) {
        for (int i = 0; i < 64; i++) {
            CHECK(released[i] == 1);
        }
        CHECK(counters(cache).bytes == 0);
        /* A source of bytes for an object cache, and the other way round. */
        made.text = "bytes";
        CHECK(get(cache, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED && value.last_error == SCHEDHOST_INVALID);
        made = (struct behaviour){.object = &sum};
        CHECK(get(bytes, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED);
        CHECK(get(cache, 1, 0, &value) == SCHEDHOST_OK && value.object == &sum);
        /* Set, then failed: free(3) is called once. */
        made = (struct behaviour){.object = malloc(64), .cost = 64, .code = 9};
        CHECK(get(cache, 1, 0, &value) == SCHEDHOST_SOURCE_FAILED && value.last_error == 9);
        /* Over its bound: served, released after this callback. */
        made = (struct behaviour){.object = malloc(64), .cost = SIZE_MAX};
        CHECK(get(cache, 1, 0, &value) == SCHEDHOST_OK && value.object == made.object);
        memset(value.object, 1, 64);
        CHECK(schedhost_cache_peek(self, cache, &value) == SCHEDHOST_NOT_FOUND);
        return SCHEDHOST_OK;
    }
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

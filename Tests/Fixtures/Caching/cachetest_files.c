/* Values on disk, and figures. */
#include "cachetest.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static double boot_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Logs what the disk cache `v` has or loads: the text of the parameter `text`. */
int32_t run_value(uint64_t cycle) {
    static struct behaviour made;
    schedhost_cache_value value;
    schedhost_cache *cache;
    (void)cycle;
    made.text = schedhost_param_string(self, "text", "");
    cache = open_cache("v", 1, 0, 3600000, 0, &made);
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK);
    schedhost_info(self, "value state=%u text=%.*s age_ms=%.0f at=%.3f generation=%llu corrupt=%llu save_failures=%llu",
                   value.state, (int)value.size, (const char *)value.data, (double)value.age_ms,
                   boot_ms() - (double)value.age_ms,
                   (unsigned long long)value.generation, (unsigned long long)counters(cache).corrupt,
                   (unsigned long long)counters(cache).save_failures);
    if (schedhost_param_int(self, "count", 0) == 0) {
        schedhost_end_session(self, "done");
    } else {
        schedhost_sleep_ms(self, 3600000);
    }
    return SCHEDHOST_OK;
}

static double clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double now(void) { return clock_ns(CLOCK_MONOTONIC); }

/* Saves `older`, whose file the third save writes over, and `old`, waits until somebody writes to the pipe `text`, and
 * saves `new`. After a crash it says what it finds. */
int32_t run_save(uint64_t cycle) {
    const char *pipe = schedhost_param_string(self, "text", "");
    schedhost_cache *cache = open_cache("v", 1, 0, 3600000, 0, NULL);
    schedhost_cache_value value;
    char byte;
    int file;
    (void)cycle;
    if (schedhost_where(self)->session_before == SCHEDHOST_BEFORE_CRASH) {
        CHECK(schedhost_cache_peek(self, cache, &value) == SCHEDHOST_OK);
        schedhost_info(self, "found text=%.*s at=%.3f corrupt=%llu", (int)value.size, (const char *)value.data,
                       boot_ms() - (double)value.age_ms, (unsigned long long)counters(cache).corrupt);
        schedhost_end_session(self, "done");
        return SCHEDHOST_OK;
    }
    CHECK(schedhost_cache_put(self, cache, "older", 5) == SCHEDHOST_OK);
    CHECK(schedhost_cache_put(self, cache, "old", 3) == SCHEDHOST_OK);
    schedhost_info(self, "saved text=old at=%.3f", boot_ms());
    file = open(pipe, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && read(file, &byte, 1) == 1);
    CHECK(schedhost_cache_put(self, cache, "new", 3) == SCHEDHOST_OK);
    /* Whatever became of the file, this is what is served. */
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && is(&value, SCHEDHOST_VALUE_HIT, "new"));
    schedhost_info(self, "saved text=new at=%.3f save_failures=%llu", boot_ms(),
                   (unsigned long long)counters(cache).save_failures);
    close(file);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

/* Puts a value of `count` bytes in the cache `v`. */
int32_t run_big(uint64_t cycle) {
    size_t size = (size_t)schedhost_param_int(self, "count", 0);
    char *bytes = calloc(1, size + 1);
    schedhost_cache *cache = open_cache("v", 1, 0, 3600000, 0, NULL);
    schedhost_cache_value value;
    (void)cycle;
    CHECK(schedhost_cache_put(self, cache, bytes, size) == SCHEDHOST_OK);
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK && value.size == size);
    schedhost_info(self, "big served=%zu save_failures=%llu", value.size,
                   (unsigned long long)counters(cache).save_failures);
    free(bytes);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

/* Hits, as often as `count` says, within one cycle. */
int32_t run_speed(uint64_t cycle) {
    static struct behaviour made = {.text = "value"};
    int64_t count = schedhost_param_int(self, "count", 1000000);
    schedhost_cache *cache = open_cache("c", 0, 0, INT64_MAX, 0, &made);
    schedhost_cache_value value;
    uint64_t sum = 0;
    double start, cpu;
    (void)cycle;
    CHECK(get(cache, 0, 0, &value) == SCHEDHOST_OK);
    start = now();
    cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int64_t i = 0; i < count; i++) {
        get(cache, 0, 0, &value);
        sum += value.state;
    }
    /* The thread's own time is what a busy machine does not stretch. */
    cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    schedhost_info(self, "hit_ns=%.1f cpu_ns=%.1f", (now() - start) / (double)count, cpu / (double)count);
    CHECK(sum == (uint64_t)count * SCHEDHOST_VALUE_HIT);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

/* The least that a safe replacement takes: create, write, close, rename. */
static int put_raw(int directory, const void *bytes, size_t size, int number) {
    char name[64];
    int file;
    snprintf(name, sizeof name, "raw.%d.tmp", number);
    file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return file >= 0 && write(file, bytes, size) == (ssize_t)size && close(file) == 0 &&
           renameat(directory, name, directory, "raw") == 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Puts of 4 KiB against raw ones in turn; the raw ones in the directory `text`, on the same file system. */
int32_t run_put_speed(uint64_t cycle) {
    int count = (int)schedhost_param_int(self, "count", 1000);
    int directory = open(schedhost_param_string(self, "text", "."), O_RDONLY | O_DIRECTORY);
    schedhost_cache *cache = open_cache("p", 1, 0, INT64_MAX, 0, NULL);
    double *puts = calloc((size_t)count, sizeof *puts), *raws = calloc((size_t)count, sizeof *raws);
    char bytes[4096];
    (void)cycle;
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < count; i++) {
        double start = now(), middle;
        CHECK(schedhost_cache_put(self, cache, bytes, sizeof bytes) == SCHEDHOST_OK);
        middle = now();
        puts[i] = middle - start;
        CHECK(put_raw(directory, bytes, sizeof bytes, i));
        raws[i] = now() - middle;
    }
    qsort(puts, (size_t)count, sizeof *puts, compare);
    qsort(raws, (size_t)count, sizeof *raws, compare);
    schedhost_info(self, "put_us=%.1f raw_us=%.1f ratio=%.2f p90=%.1f/%.1f save_failures=%llu", puts[count / 2] / 1e3,
                   raws[count / 2] / 1e3, puts[count / 2] / raws[count / 2], puts[count * 9 / 10] / 1e3,
                   raws[count * 9 / 10] / 1e3, (unsigned long long)counters(cache).save_failures);
    close(directory);
    free(puts);
    free(raws);
    schedhost_end_session(self, "done");
    return SCHEDHOST_OK;
}

/* Gets `v` from the disk cache, keyed and not, and from the memory cache of that name, again and again, and logs each value
 * that is another one than before. */
int32_t run_poll(uint64_t cycle) {
    static struct behaviour made = {.text = "value"};
    static uint64_t known[3];
    schedhost_cache *disk = open_cache("v", 1, 0, 3600000, 0, &made);
    schedhost_cache *memory = open_cache("v", 0, 0, 3600000, 0, &made);
    schedhost_cache_request keyed = {.struct_size = sizeof keyed, .key = "k", .key_size = 1};
    schedhost_cache_value values[3] = {
        {.struct_size = sizeof *values}, {.struct_size = sizeof *values}, {.struct_size = sizeof *values}};
    (void)cycle;
    CHECK(self->host->cache_get(self, disk, NULL, &values[0]) == SCHEDHOST_OK);
    CHECK(self->host->cache_get(self, disk, &keyed, &values[1]) == SCHEDHOST_OK);
    CHECK(self->host->cache_get(self, memory, NULL, &values[2]) == SCHEDHOST_OK);
    for (int i = 0; i < 3; i++) {
        if (values[i].generation != known[i]) {
            known[i] = values[i].generation;
            schedhost_info(self, "poll %s generation=%llu", i == 0 ? "disk" : i == 1 ? "keyed" : "memory",
                           (unsigned long long)known[i]);
        }
    }
    schedhost_sleep_ms(self, 20);
    return SCHEDHOST_OK;
}

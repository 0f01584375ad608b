/* What the benchmarks run: BENCH_ROUTINES routines (environment, default 1) whose parameter `mode` says what a cycle
 * does. Lateness is measured here, on the plugin's own grid, just as the limit programs measure it.
 *
 *   empty     nothing
 *   step      the time of each start against a grid of `period_us` from the first one; percentiles as stats; with
 *             `sleeper` a thread beside it measures an absolute sleep in the same way, half a period later each time,
 *             and where the host has missed runs, and begins its grid anew, so does the plugin; with
 *             `slice_us` that thread asks for such a time slice, and what it got is a stat; with `common` the grid
 *             are the multiples of the period since 1970 UTC, as those of the setting `align` are
 *   block     routine 0 sleeps `block_ms` in cycle 5 and writes to `trace` when that begins and ends, the others are as
 *             `step`
 *   hit       `count` hits of a memory cache in one cycle; the ns of one as stats
 *   load      the same for loads that are asked for, with a source that writes five bytes
 *   write     the same for puts into a memory cache
 *   put       `count` puts of `bytes` into a disk cache in one cycle, under `keys` different keys (0: unkeyed); with
 *             `beside`, the cache's directory, `turn` of them and as many by limits/put.h in turns, with
 *             `exchange` in its other way; with `memory` into a memory cache, which hosts may share
 *   get       `count` gets from that disk cache, each of another key; percentiles as stats, as for put
 *   keys      `count` hits of a memory cache with that many keys, in no order, in the first cycle; the ns of one as stats;
 *             then writes to `trace`
 *   crash     SIGKILL to itself in cycle 1 of the first session; each cycle writes its start to `trace`
 *   fault     the same with a null pointer in the place of SIGKILL
 *   mark      writes the boot time of its first cycle to `trace`
 *   talk      prints the boot time on a line of its own, in two parts
 *
 * With `pool` the samples of all routines are also appended to that file, as 64-bit ns; with `timed` each is followed by
 * the boot time at which it was taken. */
#include "caches.h"
#include "sleeper.h"

#include <errno.h>
#include <signal.h>

#ifndef BENCH_ID
#define BENCH_ID "bench"
#endif

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    struct routine *routine = user;
    routine->mode = schedhost_param_string(scheduler, "mode", "empty")[0];
    routine->period = schedhost_param_int(scheduler, "period_us", 0) * 1000;
    routine->capacity = (size_t)schedhost_param_int(scheduler, "samples", 64);
    routine->late = malloc(routine->capacity * sizeof *routine->late);
    /* Only these measure a limit as well: what 100 000 routines take is to be the host's, and not this plugin's. */
    int has_limit = routine->mode == 'p' || schedhost_param_int(scheduler, "sleeper", 0);
    routine->least = has_limit ? malloc(routine->capacity * sizeof *routine->least) : NULL;
    routine->when = schedhost_param_int(scheduler, "timed", 0) ? calloc(routine->capacity, sizeof *routine->when) : NULL;
    routine->count = 0;
    routine->least_count = 0;
    routine->first = 0;
    if (routine->late == NULL || (has_limit && routine->least == NULL)) {
        return schedhost_fail(scheduler, 1, "no memory");
    }
    /* All of it is in use from the start: else what the samples fill looks like growth. */
    memset(routine->late, 0xff, routine->capacity * sizeof *routine->late);
    routine->is_over = 0;
    routine->missed = 0;
    routine->is_common = (int)schedhost_param_int(scheduler, "common", 0);
    routine->slice = (uint64_t)schedhost_param_int(scheduler, "slice_us", 0) * 1000;
    routine->is_asleep = schedhost_param_int(scheduler, "sleeper", 0) != 0 &&
                         pthread_create(&routine->sleeper, NULL, sleep_on_grid, routine) == 0;
    return SCHEDHOST_OK;
}

/* How long after the nearest multiple of a period since 1970 it is; negative before it. */
static int64_t after_multiple(int64_t period) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    int64_t late = ((int64_t)time.tv_sec * 1000000000 + time.tv_nsec) % period;
    return late > period / 2 ? late - period : late;
}

/* Logs `lines_a_ms` lines each millisecond for `flood_ms`, after `before_ms`, and tells both ends. Before and after it has the
 * processor for as long each millisecond, so that what differs is what others do with the lines. */
static void log_at_a_rate(const schedhost_scheduler *scheduler) {
    int64_t lines = schedhost_param_int(scheduler, "lines_a_ms", 100);
    int64_t first = schedhost_param_int(scheduler, "before_ms", 0);
    int64_t last = first + schedhost_param_int(scheduler, "flood_ms", 1000);
    int64_t begin = boot_ns(), burst = 100000;
    for (int64_t ms = 0; !schedhost_stop_requested(scheduler); ms++) {
        int64_t next = begin + ms * 1000000;
        struct timespec time = {.tv_sec = next / 1000000000, .tv_nsec = next % 1000000000};
        if (ms == first || ms == last) {
            trace(scheduler);
        }
        clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, NULL);
        int64_t now = boot_ns();
        if (ms < first || ms >= last) {
            while (boot_ns() - now < burst) {
            }
            continue;
        }
        for (int64_t line = 0; line < lines; line++) {
            schedhost_warning(scheduler, "line %" PRId64 " of a flood of lines", ms * lines + line);
        }
    }
}

static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    struct routine *routine = user;
    int64_t now;
    switch (routine->mode) {
    case 'e':
        return SCHEDHOST_OK;
    case 'h':
    case 'l':
    case 'w':
        return in_memory(scheduler, routine);
    case 'p':
    case 'g':
        return on_disk(scheduler, routine);
    case 'k':
        return schedhost_cycle(scheduler) == 0 ? many_keys(scheduler, routine) : SCHEDHOST_OK;
    case 'a':
        return ask_at_once(scheduler);
    case 'm':
        if (schedhost_cycle(scheduler) == 0) {
            trace(scheduler);
        }
        return SCHEDHOST_OK;
    case 't':
        printf("said ");
        printf("%" PRId64 ".\n", boot_ns());
        return SCHEDHOST_OK;
    case 'L': /* floods, by the road that the letter says, until it is to stop */
    case 'O':
    case 'C':
        while (!schedhost_stop_requested(scheduler)) {
            static const char garbage[] = "none of the worker's lines, on the worker's channel\n";
            if (routine->mode == 'L') {
                schedhost_warning(scheduler, "a line of a flood of lines that nobody wants to read");
            } else if (routine->mode == 'O') {
                puts("a line of a flood of lines that nobody wants to read");
            } else if (write(3, garbage, sizeof garbage - 1) < 0 && errno != EAGAIN) {
                return SCHEDHOST_OK;
            }
        }
        return SCHEDHOST_OK;
    case 'R':
        if (schedhost_cycle(scheduler) == 0) {
            log_at_a_rate(scheduler);
        }
        return SCHEDHOST_OK;
    case 'c':
    case 'f':
        trace(scheduler);
        if (schedhost_where(scheduler)->session_before == SCHEDHOST_BEFORE_NONE && schedhost_cycle(scheduler) == 1) {
            if (routine->mode == 'f') {
                *(int *volatile *)0 = NULL;
            }
            raise(SIGKILL);
        }
        return SCHEDHOST_OK;
    case 'b':
        if (routine->number == 0) {
            struct timespec time = {.tv_sec = schedhost_param_int(scheduler, "block_ms", 1000) / 1000};
            if (schedhost_cycle(scheduler) != 5) {
                return SCHEDHOST_OK;
            }
            trace(scheduler);
            while (nanosleep(&time, &time) != 0 && errno == EINTR) {
            }
            trace(scheduler);
            return SCHEDHOST_OK;
        }
        /* fall through */
    default:
        if (routine->is_common) {
            keep(routine, after_multiple(routine->period));
            return SCHEDHOST_OK;
        }
        now = boot_ns();
        if (routine->first == 0) {
            routine->first = now;
        } else {
            keep(routine, now - routine->first - (int64_t)schedhost_cycle(scheduler) * routine->period);
        }
        if (routine->is_asleep && schedhost_where(scheduler)->missed != routine->missed) {
            routine->missed = schedhost_where(scheduler)->missed;
            routine->first = now - (int64_t)schedhost_cycle(scheduler) * routine->period;
        }
        return SCHEDHOST_OK;
    }
}

/* One write a routine: the lines of several threads do not mix. */
static void pool(const schedhost_scheduler *scheduler, struct routine *routine, int64_t least) {
    const char *path = schedhost_param_string(scheduler, "pool", NULL);
    if (path == NULL) {
        return;
    }
    size_t step = routine->when != NULL ? 2 : 1, size = routine->count * step * sizeof(int64_t);
    int64_t *samples = malloc(size);
    for (size_t i = 0; i < routine->count && samples != NULL; i++) {
        samples[i * step] = routine->late[i] - least;
        if (step == 2) {
            samples[i * step + 1] = routine->when[i];
        }
    }
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0) {
        if (samples == NULL || write(file, samples, size) != (ssize_t)size) {
            schedhost_fail(scheduler, 1, "the pool of samples is full");
        }
        close(file);
    }
    free(samples);
}

static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
    struct routine *routine = user;
    if (routine->result > 0) {
        return schedhost_stat_double(scheduler, "ns", routine->result);
    }
    if (routine->count == 0) {
        return SCHEDHOST_OK;
    }
    if (routine->is_asleep) {
        __atomic_store_n(&routine->is_over, 1, __ATOMIC_RELAXED);
        pthread_join(routine->sleeper, NULL);
        routine->is_asleep = 0;
        schedhost_stat_double(scheduler, "limit_slice_us", (double)routine->slice / 1000);
    }
    if (routine->least_count > 0) {
        schedhost_stat_double(scheduler, "limit_drift_us", (double)routine->least[routine->least_count - 1] / 1000);
    }
    schedhost_stat_double(scheduler, "drift_us", (double)routine->late[routine->count - 1] / 1000);
    /* The first start is itself late by a little: the grid is the one on which no start is early. */
    int is_on_grid = routine->mode != 'p' && routine->mode != 'g';
    int64_t least = 0;
    for (size_t i = 0; i < routine->count && is_on_grid; i++) {
        least = routine->late[i] < least ? routine->late[i] : least;
    }
    pool(scheduler, routine, least);
    qsort(routine->late, routine->count, sizeof *routine->late, compare);
    const char *names[] = {"p50_us", "p90_us", "p99_us", "max_us"};
    size_t places[] = {routine->count / 2, routine->count * 9 / 10, routine->count * 99 / 100, routine->count - 1};
    size_t raws = routine->least_count, raw_places[] = {raws / 2, raws * 9 / 10, raws * 99 / 100, raws - 1};
    qsort(routine->least, raws, sizeof *routine->least, compare);
    int64_t raw_least = is_on_grid && raws > 0 && routine->least[0] < 0 ? routine->least[0] : 0;
    for (int i = 0; i < 4 && raws > 0; i++) {
        char name[24];
        snprintf(name, sizeof name, "limit_%s", names[i]);
        schedhost_stat_double(scheduler, name, (double)(routine->least[raw_places[i]] - raw_least) / 1000);
    }
    for (int i = 0; i < 4; i++) {
        schedhost_stat_double(scheduler, names[i], (double)(routine->late[places[i]] - least) / 1000);
    }
    return SCHEDHOST_OK;
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    (void)scheduler;
    free(((struct routine *)user)->late);
    free(((struct routine *)user)->least);
    free(((struct routine *)user)->when);
    return SCHEDHOST_OK;
}

static schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin), .id = BENCH_ID, .version = "1.0.0"};

static const schedhost_plugin *describe(void) {
    if (plugin.routines == NULL) {
        const char *text = getenv("BENCH_ROUTINES");
        size_t count = text != NULL && atol(text) > 0 ? (size_t)atol(text) : 1;
        schedhost_routine *routines = calloc(count, sizeof *routines);
        const schedhost_routine **list = calloc(count + 1, sizeof *list);
        struct routine *own = calloc(count, sizeof *own);
        char *names = calloc(count, 24);
        for (size_t i = 0; i < count; i++) {
            own[i].number = i;
            snprintf(names + i * 24, 24, "r%zu", i);
            routines[i] = (schedhost_routine){SCHEDHOST_SIZED(schedhost_routine), .name = names + i * 24,
                                              .wait_ms = 1000, .user = &own[i], .start = start, .run = run,
                                              .stop = stop, .stats = stats};
            list[i] = &routines[i];
        }
        plugin.routines = list;
    }
    return &plugin;
}

SCHEDHOST_PLUGIN(describe())

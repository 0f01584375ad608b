/* What a routine of the benchmarks knows, and what all modes share. */
#ifndef BENCH_ROUTINE_H
#define BENCH_ROUTINE_H

#include <schedhost/plugin.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct routine {
    uint64_t number;
    int64_t first, period;
    int64_t *late, *when;
    int64_t *least; /* what the limit took, beside the puts or the steps */
    size_t count, least_count, capacity;
    double result;
    pthread_t sleeper;
    uint64_t missed, slice;
    int is_asleep, is_over, is_common;
    char mode;
};

static int64_t boot_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void keep(struct routine *routine, int64_t value) {
    if (routine->count < routine->capacity) {
        if (routine->when != NULL) {
            routine->when[routine->count] = boot_ns();
        }
        routine->late[routine->count++] = value;
    }
}

static void trace(const schedhost_scheduler *scheduler) {
    const char *path = schedhost_param_string(scheduler, "trace", NULL);
    if (path != NULL) {
        int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file >= 0) {
            dprintf(file, "%" PRId64 "\n", boot_ns());
            close(file);
        }
    }
}

#endif

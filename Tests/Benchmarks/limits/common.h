/* What the limit programs share: clocks, and percentiles of a list of samples. Each prints one line of NAME=VALUE. */
#ifndef LIMITS_COMMON_H
#define LIMITS_COMMON_H

#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t boot_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline struct timespec timespec_of(int64_t ns) {
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return time;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Sorts the samples and prints their percentiles, divided by `unit`. */
static inline void print_percentiles(int64_t *samples, size_t count, double unit) {
    if (count == 0) {
        return;
    }
    qsort(samples, count, sizeof *samples, compare);
    printf("p50=%.3f p90=%.3f p99=%.3f max=%.3f ", samples[count / 2] / unit, samples[count * 9 / 10] / unit,
           samples[count * 99 / 100] / unit, samples[count - 1] / unit);
}

/* Processor seconds and peak memory of this process. Not ru_maxrss: that begins with the parent's. */
static inline void print_usage(void) {
    double peak = 0;
    char line[128];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "VmHWM: %lf", &peak);
    }
    if (status != NULL) {
        fclose(status);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("cpu_s=%.3f max_rss_mb=%.1f ",
           usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
           peak / 1024);
}

static inline long argument(int argc, char **argv, int index, long fallback) {
    return index < argc ? atol(argv[index]) : fallback;
}

#endif

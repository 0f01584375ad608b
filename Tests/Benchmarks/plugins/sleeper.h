/* What a step is compared with, in the same process and at the same time. */
#ifndef BENCH_SLEEPER_H
#define BENCH_SLEEPER_H

#include "routine.h"

#include <sys/prctl.h>

/* The limit of a step: clock_nanosleep(2) to a grid, without timer slack. */
static void *sleep_on_grid(void *user) {
    struct routine *routine = user;
    int64_t due = boot_ns() + routine->period / 2, first = 0;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (int64_t i = 0; routine->least_count < routine->capacity; i++) {
        due += routine->period;
        struct timespec time = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
        clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, NULL);
        if (__atomic_load_n(&routine->is_over, __ATOMIC_RELAXED)) {
            break;
        }
        int64_t now = boot_ns();
        if (first == 0) {
            first = now;
        } else {
            routine->least[routine->least_count++] = now - first - i * routine->period;
        }
    }
    return NULL;
}

#endif

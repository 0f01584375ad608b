/* What a step is compared with, in the same process and at the same time. */
#ifndef BENCH_SLEEPER_H
#define BENCH_SLEEPER_H

#include "routine.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* What sched_setattr(2) takes, whose struct the C library does not have. */
struct slice {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* Asks for a time slice of so many ns for this thread, and returns the one that it has then; 0 where the kernel has none. */
static uint64_t ask_for_slice(uint64_t ns) {
    struct slice slice;
    memset(&slice, 0, sizeof slice);
    if (syscall(SYS_sched_getattr, 0, &slice, sizeof slice, 0) != 0) {
        return 0;
    }
    slice.runtime = ns;
    if (syscall(SYS_sched_setattr, 0, &slice, 0) != 0 ||
        syscall(SYS_sched_getattr, 0, &slice, sizeof slice, 0) != 0) {
        return 0;
    }
    return slice.runtime;
}

/* The limit of a step: clock_nanosleep(2) to a grid, without timer slack, and with a time slice of its own if that is wished. */
static void *sleep_on_grid(void *user) {
    struct routine *routine = user;
    int64_t due = boot_ns() + routine->period / 2, first = 0;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    routine->slice = routine->slice != 0 ? ask_for_slice(routine->slice) : 0;
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

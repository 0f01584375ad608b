/* Crashes, exits and hangs, in `run` and in every other callback. */
#define _GNU_SOURCE
#include "misdeeds.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int *volatile nowhere = NULL;
static volatile int forever = 1;

#define UNUSED (void)scheduler, (void)bound

/* The ways to die that several misdeeds share are macros, so that the line and the function are the misdeed's own. */
#define CRASH() (*nowhere = 1)
#define HANG()                 \
    do {                       \
        while (forever) {      \
            (void)sleep(3600); \
        }                      \
    } while (0)

/* One function for each callback that crashes or hangs. */
#define CRASHES_AND_HANGS(where)                                                            \
    CRASH_SITE misdeed_##where(const schedhost_scheduler *scheduler, int64_t bound) {      \
        UNUSED;                                                                             \
        CRASH();                                                                            \
        return SCHEDHOST_OK;                                                                \
    }                                                                                       \
    CRASH_SITE misdeed_hang_##where(const schedhost_scheduler *scheduler, int64_t bound) { \
        UNUSED;                                                                             \
        HANG();                                                                             \
        return SCHEDHOST_OK;                                                                \
    }

CRASHES_AND_HANGS(constructor)
CRASHES_AND_HANGS(destructor)
CRASHES_AND_HANGS(load)
CRASHES_AND_HANGS(unload)
CRASHES_AND_HANGS(start)
CRASHES_AND_HANGS(stop)
CRASHES_AND_HANGS(stats)
CRASHES_AND_HANGS(on_error)

CRASH_SITE misdeed_segv(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    *nowhere = 1;
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_abort(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    abort();
}

CRASH_SITE misdeed_ill(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#else
    raise(SIGILL);
#endif
    return SCHEDHOST_OK;
}

/* Reached by its own name only, so that the report shows it again and again. */
CRASH_SITE misdeed_stack_overflow(const schedhost_scheduler *scheduler, int64_t bound) {
    volatile char frame[4096];
    frame[0] = (char)bound;
    if (!forever) {
        return frame[0];
    }
    return misdeed_stack_overflow(scheduler, bound + 1) + frame[0];
}

CRASH_SITE misdeed_double_free(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    void *volatile block = malloc(32);
    void *volatile same = block;
    free(block);
    free(same);
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_exit0(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    exit(0);
}

CRASH_SITE misdeed_exit3(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    exit(3);
}

CRASH_SITE misdeed__exit0(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    _exit(0);
}

CRASH_SITE misdeed_quick_exit(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    quick_exit(4);
}

CRASH_SITE misdeed_kill(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    return raise(SIGKILL);
}

CRASH_SITE misdeed_sigstop(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    return raise(SIGSTOP);
}

CRASH_SITE misdeed_loop(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    while (forever) {
    }
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_sleep(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    HANG();
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_deadlock(const schedhost_scheduler *scheduler, int64_t bound) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    UNUSED;
    (void)pthread_mutex_lock(&lock);
    (void)pthread_mutex_lock(&lock);
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_block_signals_loop(const schedhost_scheduler *scheduler, int64_t bound) {
    sigset_t all;
    UNUSED;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (forever) {
    }
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_ignore_sigterm(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    (void)signal(SIGTERM, SIG_IGN);
    HANG();
    return SCHEDHOST_OK;
}

/* There is no frame of the plugin's below `run` to jump to: every jump out of it is a jump to nowhere. This one goes
 * through a buffer that was never set, with a wild stack pointer, and so ends in the same way each time. */
CRASH_SITE misdeed_longjmp(const schedhost_scheduler *scheduler, int64_t bound) {
    static jmp_buf never_set;
    UNUSED;
    longjmp(never_set, 1);
}

CRASH_SITE misdeed_pthread_exit(const schedhost_scheduler *scheduler, int64_t bound) {
    UNUSED;
    pthread_exit(NULL);
}

CRASH_SITE misdeed_execve(const schedhost_scheduler *scheduler, int64_t bound) {
    char program[] = "/bin/sleep";
    char seconds[] = "60";
    char *arguments[] = {program, seconds, NULL};
    char *environment[] = {NULL};
    (void)bound;
    (void)execve(program, arguments, environment);
    return schedhost_fail(scheduler, SCHEDHOST_ERROR, "execve of %s failed", program);
}

CRASH_SITE misdeed_error(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)bound;
    return schedhost_fail(scheduler, 42, "a plain failure in cycle %" PRIu64, schedhost_cycle(scheduler));
}

#define RUN(text, function) {text, IN_RUN, function, 0, 0}
#define BOTH(text, where, function, hang) {text, where, function, 0, 0}, {"hang-" text, where, hang, 0, 0}

const struct misdeed faults[] = {
    RUN("segv", misdeed_segv),
    RUN("abort", misdeed_abort),
    RUN("ill", misdeed_ill),
    RUN("stack-overflow", misdeed_stack_overflow),
    RUN("double-free", misdeed_double_free),
    RUN("exit0", misdeed_exit0),
    RUN("exit3", misdeed_exit3),
    RUN("_exit0", misdeed__exit0),
    RUN("quick-exit", misdeed_quick_exit),
    RUN("kill", misdeed_kill),
    RUN("sigstop", misdeed_sigstop),
    RUN("loop", misdeed_loop),
    RUN("sleep", misdeed_sleep),
    RUN("deadlock", misdeed_deadlock),
    RUN("block-signals-loop", misdeed_block_signals_loop),
    RUN("ignore-sigterm", misdeed_ignore_sigterm),
    RUN("longjmp", misdeed_longjmp),
    RUN("pthread-exit", misdeed_pthread_exit),
    RUN("execve", misdeed_execve),
    RUN("error", misdeed_error),
    BOTH("constructor", IN_CONSTRUCTOR, misdeed_constructor, misdeed_hang_constructor),
    BOTH("destructor", IN_DESTRUCTOR, misdeed_destructor, misdeed_hang_destructor),
    BOTH("load", IN_LOAD, misdeed_load, misdeed_hang_load),
    BOTH("unload", IN_UNLOAD, misdeed_unload, misdeed_hang_unload),
    BOTH("start", IN_START, misdeed_start, misdeed_hang_start),
    BOTH("stop", IN_STOP, misdeed_stop, misdeed_hang_stop),
    BOTH("stats", IN_STATS, misdeed_stats, misdeed_hang_stats),
    BOTH("on-error", IN_ON_ERROR, misdeed_on_error, misdeed_hang_on_error),
    {NULL, IN_RUN, NULL, 0, 0},
};

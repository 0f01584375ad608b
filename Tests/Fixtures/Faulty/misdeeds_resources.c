/* Misdeeds with what a process shares: memory, threads, processes, descriptors, its surroundings, and the host's
 * own channels. The dangerous ones stop at a bound, so that a machine without limits survives them. */
#define _GNU_SOURCE
#include "misdeeds.h"

#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* `bound`: MiB. Writes through what malloc returned without a look, as careless code does. */
CRASH_SITE misdeed_memory(const schedhost_scheduler *scheduler, int64_t bound) {
    for (int64_t i = 0; i < bound; i++) {
        char *volatile block = malloc(1u << 20);
        memset(block, 0x5a, 1u << 20);
    }
    schedhost_warning(scheduler, "holds %" PRId64 " MiB, and met no limit", bound);
    return SCHEDHOST_OK;
}

static void *thread_body(void *unused) {
    for (;;) {
        (void)pause();
    }
    return unused;
}

/* `bound`: threads, which stay. */
CRASH_SITE misdeed_threads(const schedhost_scheduler *scheduler, int64_t bound) {
    pthread_attr_t small;
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, (size_t)PTHREAD_STACK_MIN + 16384);
    (void)pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (int64_t i = 0; i < bound; i++) {
        pthread_t thread;
        int code = pthread_create(&thread, &small, thread_body, NULL);
        if (code != 0) {
            (void)pthread_attr_destroy(&small);
            return schedhost_fail(scheduler, code, "thread %" PRId64 ": %s", i, strerror(code));
        }
    }
    (void)pthread_attr_destroy(&small);
    return SCHEDHOST_OK;
}

/* `bound`: descriptors, which stay open. */
CRASH_SITE misdeed_descriptors(const schedhost_scheduler *scheduler, int64_t bound) {
    int64_t opened = 0;
    while (opened < bound && open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
        opened++;
    }
    schedhost_warning(scheduler, "holds %" PRId64 " descriptors", opened);
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_close_all(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)scheduler, (void)bound;
    if (close_range(0, UINT_MAX, 0) != 0) {
        for (int i = 0; i < 65536; i++) {
            (void)close(i);
        }
    }
    return SCHEDHOST_OK;
}

/* Appends a child's pid to the file that the parameter `trace` names. */
static void trace_pid(const schedhost_scheduler *scheduler, pid_t pid) {
    const char *path = schedhost_param_string(scheduler, "trace", "");
    int file = path[0] != '\0' ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        (void)dprintf(file, "%d\n", (int)pid);
        (void)close(file);
    }
}

/* `bound`: how many seconds the children live, in sessions of their own and deaf to SIGTERM, with every
 * descriptor of the worker still open. */
CRASH_SITE misdeed_fork_children(const schedhost_scheduler *scheduler, int64_t bound) {
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)setsid();
            (void)signal(SIGTERM, SIG_IGN);
            (void)signal(SIGHUP, SIG_IGN);
            for (unsigned left = (unsigned)bound; left > 0;) {
                left = sleep(left);
            }
            _exit(0);
        }
        if (child > 0) {
            trace_pid(scheduler, child);
        }
    }
    _exit(5);
}

/* `bound`: processes in all. Each forks two until the shared count is used up, then lives for 20 s. */
CRASH_SITE misdeed_fork_bomb(const schedhost_scheduler *scheduler, int64_t bound) {
    int64_t *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t self = getpid();
    if (count == MAP_FAILED) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory for the count");
    }
    for (int forks = 0; forks < 2; forks++) {
        if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) > bound) {
            break;
        }
        pid_t child = fork();
        if (child < 0) {
            break;
        }
        if (child == 0) {
            forks = -1; /* a child begins with two forks of its own */
        }
    }
    if (getpid() != self) {
        (void)sleep(20);
        _exit(0);
    }
    (void)munmap(count, sizeof *count);
    return SCHEDHOST_OK;
}

/* Where the slots begin in the file of a ledger, behind twins and annexes: see Sources/Host/Wire/Ledger/Ledger.swift. */
#define LEDGER_SLOTS ((uintptr_t)131072 * (64 + 320))

/* Fills the start of the slots with rubbish, and of the other mappings of the ledger: at most `most` bytes of each. The twins
 * are mapped from the file's beginning; the mapping of the annexes may have become one with that of the slots. Returns how many
 * mappings there were. */
static int scribble(int twins_too, uintptr_t most) {
    char line[PATH_MAX + 128];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from = 0;
        uintptr_t to = 0;
        uintptr_t offset = 0;
        if (strstr(line, ".ledger") == NULL ||
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNxPTR, &from, &to, &offset) != 3) {
            continue;
        }
        if (offset == 0 && !twins_too) {
            continue;
        }
        if (mprotect((void *)from, to - from, PROT_READ | PROT_WRITE) != 0) {
            continue;
        }
        if (offset < LEDGER_SLOTS && LEDGER_SLOTS - offset < to - from) {
            from += LEDGER_SLOTS - offset;
        }
        for (uintptr_t at = from; at < to && at - from < most; at++) {
            *(volatile unsigned char *)at = (unsigned char)(0xA5u ^ (at * 2654435761u >> 13));
        }
        found++;
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return found;
}

/* All of the ledger, and past its file's end, which is a SIGBUS. */
CRASH_SITE misdeed_scribble_ledger(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)bound;
    (void)scribble(0, UINTPTR_MAX);
    return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no ledger could be scribbled on");
}

/* What is in use of the ledger; then no handler runs. */
CRASH_SITE misdeed_scribble_kill(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)bound;
    if (scribble(0, 4096) == 0) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no ledger could be scribbled on");
    }
    return raise(SIGKILL);
}

/* What is in use of the ledger; then never again. */
CRASH_SITE misdeed_scribble_loop(const schedhost_scheduler *scheduler, int64_t bound) {
    volatile int64_t turns = bound;
    if (scribble(0, 4096) == 0) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no ledger could be scribbled on");
    }
    for (;;) {
        turns++;
    }
}

/* The ledger and its twin. */
CRASH_SITE misdeed_scribble_both(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)bound;
    if (scribble(1, 4096) < 2) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no ledger could be scribbled on");
    }
    return raise(SIGKILL);
}

/* Rubbish, half a line, a line without end, and ill-formed UTF-8 to every socket. */
CRASH_SITE misdeed_garbage_events(const schedhost_scheduler *scheduler, int64_t bound) {
    static const char *const rubbish[] = {"{\"kind\":", "\xff\xfe\x80\n", "}}}]]\n", "null\n[]\n-1\n{}\n"};
    int found = 0;
    (void)bound;
    for (int descriptor = 3; descriptor < 4096; descriptor++) {
        struct stat status;
        if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) {
            continue;
        }
        found++;
        for (int round = 0; round < 100; round++) {
            const char *text = rubbish[round % 4];
            (void)send(descriptor, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }
    if (found == 0) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "there is no socket");
    }
    return SCHEDHOST_OK;
}

/* `bound`: MiB of lines. */
CRASH_SITE misdeed_log_flood(const schedhost_scheduler *scheduler, int64_t bound) {
    char text[1024];
    memset(text, 'f', sizeof text);
    for (int64_t i = 0; i < bound * 1024; i++) {
        scheduler->host->log(scheduler, SCHEDHOST_LOG_INFO, text, sizeof text);
    }
    return SCHEDHOST_OK;
}

/* `bound`: MiB in one line. */
CRASH_SITE misdeed_log_huge(const schedhost_scheduler *scheduler, int64_t bound) {
    size_t size = (size_t)bound << 20;
    char *text = malloc(size);
    if (text == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory for the line");
    }
    memset(text, 'h', size);
    scheduler->host->log(scheduler, SCHEDHOST_LOG_INFO, text, size);
    free(text);
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_environment(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)scheduler, (void)bound;
    if (chdir("/") != 0) {
        return SCHEDHOST_ERROR;
    }
    (void)umask(0777);
    if (setlocale(LC_ALL, "tr_TR.UTF-8") == NULL) {
        (void)setlocale(LC_ALL, "C.UTF-8");
    }
    (void)clearenv();
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_setpriority(const schedhost_scheduler *scheduler, int64_t bound) {
    (void)scheduler, (void)bound;
    (void)setpriority(PRIO_PROCESS, 0, -20); /* a selfish one first: root may */
    (void)setpriority(PRIO_PGRP, 0, 19);
    return SCHEDHOST_OK;
}

const struct misdeed resources[] = {
    {"memory", IN_RUN, misdeed_memory, 512, 4096},
    {"threads", IN_RUN, misdeed_threads, 1000, 10000},
    {"descriptors", IN_RUN, misdeed_descriptors, 4096, 100000},
    {"close-all", IN_RUN, misdeed_close_all, 0, 0},
    {"fork-children", IN_RUN, misdeed_fork_children, 30, 300},
    {"fork-bomb", IN_RUN, misdeed_fork_bomb, 64, 500},
    {"scribble-ledger", IN_RUN, misdeed_scribble_ledger, 0, 0},
    {"scribble-kill", IN_RUN, misdeed_scribble_kill, 0, 0},
    {"scribble-loop", IN_RUN, misdeed_scribble_loop, 0, 0},
    {"scribble-both", IN_RUN, misdeed_scribble_both, 0, 0},
    {"garbage-events", IN_RUN, misdeed_garbage_events, 0, 0},
    {"log-flood", IN_RUN, misdeed_log_flood, 64, 1024},
    {"log-huge", IN_RUN, misdeed_log_huge, 10, 64},
    {"environment", IN_RUN, misdeed_environment, 0, 0},
    {"setpriority", IN_RUN, misdeed_setpriority, 0, 0},
    {NULL, IN_RUN, NULL, 0, 0},
};

#define _GNU_SOURCE
#include <CHostSystemCrash.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

/* Enough for the runtime's handler and for the unwinder. */
#define STACK_SIZE (128u << 10)
#define GUARD_SIZE 4096u
/* SYS_SECCOMP, which some headers do not have: the code of a signal that a filter sends. sigaction(2) */
#define SECCOMP_TRAP 1

_Static_assert(sizeof(struct chs_crash_page) <= 8192, "CrashPage maps 8192 bytes");

static const int fatal[] = {SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, SIGSYS};
#define FATAL_COUNT (sizeof fatal / sizeof fatal[0])

static struct chs_crash_page *page;
static pid_t owner; /* a child of the plugin's has this page and these handlers too, and is none of its worker's deaths */
static int line;
static int paper; /* for the backtracer to write on */
static struct sigaction before[FATAL_COUNT];
static atomic_flag is_taken = ATOMIC_FLAG_INIT;

static uintptr_t interrupted(const void *context) {
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#endif
}

static int describe(uintptr_t address, int is_return, struct chs_crash_frame *frame) {
    Dl_info found;
    uintptr_t inside = is_return ? address - 1 : address; /* a call that never returns may be the last instruction */
    if (dladdr((void *)inside, &found) == 0 || found.dli_fname == NULL) {
        return -1;
    }
    const char *name = strrchr(found.dli_fname, '/');
    strncpy(frame->image, name != NULL ? name + 1 : found.dli_fname, CHS_CRASH_IMAGE - 1);
    frame->offset = inside - (uintptr_t)found.dli_fbase;
    return 0;
}

static void note(uintptr_t address, int is_return) {
    if (page->count < CHS_CRASH_FRAMES && describe(address, is_return, &page->frames[page->count]) == 0) {
        page->count++;
    }
}

struct walk {
    uintptr_t calls[2 * CHS_CRASH_FRAMES];
    uintptr_t last; /* the stack of the frame before: one that leads to itself ends the walk */
    int count;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *argument) {
    struct walk *walk = argument;
    uintptr_t call = _Unwind_GetIP(context), stack = _Unwind_GetCFA(context);
    int is_stuck = walk->count > 0 && walk->calls[walk->count - 1] == call && walk->last == stack;
    if (is_stuck || walk->count == (int)(sizeof walk->calls / sizeof walk->calls[0])) {
        return _URC_END_OF_STACK;
    }
    walk->calls[walk->count++] = call;
    walk->last = stack;
    return _URC_NO_REASON;
}

/* The calls from the interrupted one outwards, after which `walk` is at the first of them. */
static int calls_of(const void *context, struct walk *walk) {
    uintptr_t top = interrupted(context);
    int first = 0;
    (void)_Unwind_Backtrace(step, walk);
    while (first < walk->count && walk->calls[first] != top) {
        first++;
    }
    return first;
}

/* By the unwind tables, which lead through libc, where frame pointers do not. Not by backtrace(3): it loads a shared
   unwinder, in each worker, although the program has one inside. */
static void trace(const void *context) {
    struct walk walk = {.count = 0};
    int first = calls_of(context, &walk);
    note(interrupted(context), 0);
    for (int i = first + 1; i < walk.count; i++) {
        note(walk.calls[i], 1);
    }
}

static void end_by_default(int number) {
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        (void)signal(fatal[i], SIG_DFL); /* a fault in what follows ends the process, as this signal would */
    }
    (void)raise(number); /* a fault would come again by itself when the handler returns, a kill would not */
}

/* Who made a call: the innermost function that is not of the C library. */
static void describe_caller(const void *context, struct chs_crash_frame *frame) {
    struct walk walk = {.count = 0};
    int first = calls_of(context, &walk);
    (void)describe(interrupted(context), 0, frame);
    for (int i = first + 1; i < walk.count && strncmp(frame->image, "libc.so", 7) == 0; i++) {
        struct chs_crash_frame outer = {.offset = 0};
        if (describe(walk.calls[i], 1, &outer) == 0) {
            *frame = outer;
        }
    }
}

/* Counts a call that the sandbox refuses. Several threads may do so at once. */
static void note_refused(int call, const long *arguments, const void *context) {
    for (int i = 0; i < CHS_REFUSED_CALLS; i++) {
        struct chs_refused_call *entry = &page->refused[i];
        uint32_t unused = 0;
        if (__atomic_compare_exchange_n(&entry->state, &unused, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            entry->call = call;
            entry->thread = (int32_t)syscall(SYS_gettid);
            entry->arguments[0] = (uint64_t)arguments[0];
            entry->arguments[1] = (uint64_t)arguments[1];
            describe_caller(context, &entry->frame);
            entry->times = 1;
            __atomic_store_n(&entry->state, 2, __ATOMIC_RELEASE);
            return;
        }
        if (entry->call == call) {
            (void)__atomic_fetch_add(&entry->times, 1, __ATOMIC_RELAXED);
            return;
        }
    }
}

#if defined(__x86_64__)
#define REGISTER(context, name) ((ucontext_t *)(context))->uc_mcontext.gregs[REG_##name]
#endif

/* A call that the filter of the sandbox does not let through: it fails as one that is not permitted. One that names the calling
   thread by its id is as innocent as one that says 0, which a filter cannot know. */
static void refuse(int call, void *context) {
#if defined(__x86_64__)
    long arguments[4] = {REGISTER(context, RDI), REGISTER(context, RSI), REGISTER(context, RDX), REGISTER(context, R10)};
    long long *result = (long long *)&REGISTER(context, RAX);
#elif defined(__aarch64__)
    unsigned long long *registers = ((ucontext_t *)context)->uc_mcontext.regs;
    long arguments[4] = {(long)registers[0], (long)registers[1], (long)registers[2], (long)registers[3]};
    long long *result = (long long *)&registers[0];
#endif
    int which = -1;
    switch (call) {
    case SYS_sched_setaffinity:
    case SYS_sched_setscheduler:
    case SYS_sched_setparam:
    case SYS_sched_setattr:
    case SYS_prlimit64: which = 0; break;
    case SYS_setpriority:
    case SYS_ioprio_set: which = arguments[0] == (call == SYS_ioprio_set) ? 1 : -1; break;
    default: break;
    }
    if (which >= 0 && (pid_t)arguments[which] == (pid_t)syscall(SYS_gettid)) {
        int before = errno;
        arguments[which] = 0;
        *result = syscall(call, arguments[0], arguments[1], arguments[2], arguments[3]) < 0 ? -errno : 0;
        errno = before;
        return;
    }
    note_refused(call, arguments, context);
    (void)__atomic_fetch_add(&page->refusals, 1, __ATOMIC_RELEASE);
    *result = -EPERM;
}

static FILE *output;          /* the standard output as it was before any plugin */
static const char *last_said; /* up to where its buffer has been written here */

/* What was printed and has no line's end yet, as exit(3) would write it. The buffer is only read: nothing here takes a lock. */
static void write_rest(int may_wait) {
#if defined(__GLIBC__)
    const char *begin = stdout->_IO_write_base, *end = stdout->_IO_write_ptr;
    struct pollfd pipe = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (last_said > begin && last_said <= end) {
        begin = last_said;
    }
    if (begin == NULL || end <= begin || end - begin > (may_wait ? 65536 : PIPE_BUF)) {
        return;
    }
    /* Room for so many bytes is what makes a pipe writable. pipe(7) */
    if (may_wait || (poll(&pipe, 1, 0) == 1 && pipe.revents == POLLOUT)) {
        ssize_t written = write(STDOUT_FILENO, begin, (size_t)(end - begin));
        if (written > 0) {
            last_said = begin + written;
        }
    }
#endif
}

/* The supervisor answers within a millisecond. Should it not, the report is tried after 0.1 s with what room there is. */
#define ROOM_STEP_NS 100000
#define ROOM_STEPS 1000

static void raise_soft_limit(__rlimit_resource_t resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(resource, &limit);
    }
}

/* The backtracer that the runtime's handler starts needs memory, a process and processor time of its own. It inherits the
   limits of this process, which may have used up its own. */
static void make_room(void) {
    const struct timespec step = {.tv_nsec = ROOM_STEP_NS};
    raise_soft_limit(RLIMIT_DATA);
    raise_soft_limit(RLIMIT_NPROC);
    for (int i = 0; i < ROOM_STEPS && __atomic_load_n(&page->room, __ATOMIC_ACQUIRE) == CHS_ROOM_WANTED; i++) {
        (void)nanosleep(&step, NULL);
    }
}

/* The process ends by the thread that had its fault first, or is killed when that takes too long. */
static void wait_for_the_end(void) {
    sigset_t none;
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    for (;;) {
        (void)pause();
    }
}

static void handle(int number, siginfo_t *information, void *context) {
    if (number == SIGSYS && information->si_code == SECCOMP_TRAP) {
        refuse(information->si_syscall, context);
        return;
    }
    if (getpid() != owner) {
        end_by_default(number);
        return;
    }
    if (!atomic_flag_test_and_set(&is_taken)) {
        __atomic_store_n(&page->thread, (int32_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
        page->signal = number;
        /* Nothing more is sent: whoever reads the channel looks at the page now, and gives the rest its time. */
        (void)shutdown(line, SHUT_WR);
        if (paper >= 0) {
            (void)fcntl(paper, F_SETFD, 0);
        }
        /* Who is ended for being over his time has a while for his report, and is killed if that is not done by then. No fault
           can come of it where the plugin has not put another file in the place of the standard output. */
        if (number == SIGABRT && information->si_code == SI_TKILL && information->si_pid == getppid() && stdout == output) {
            write_rest(0);
        }
        make_room();
    } else if (__atomic_load_n(&page->thread, __ATOMIC_ACQUIRE) != (int32_t)syscall(SYS_gettid)) {
        /* Another thread had its fault first, and its report stops this one. */
        wait_for_the_end();
    }
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        if (fatal[i] != number) {
            continue;
        }
        if ((before[i].sa_flags & SA_SIGINFO) != 0 && before[i].sa_sigaction != NULL) {
            before[i].sa_sigaction(number, information, context);
        } else if (before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN) {
            before[i].sa_handler(number);
        }
    }
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        (void)signal(fatal[i], SIG_DFL);
    }
    if (page->thread == (int32_t)syscall(SYS_gettid) && page->count == 0) {
        trace(context);
    }
    write_rest(1); /* last: should the buffer be spoiled too, the process ends by this fault */
    end_by_default(number);
}

void chs_crash_watch(struct chs_crash_page *shared, int channel, int report) {
    page = shared;
    line = channel;
    paper = report;
    owner = getpid();
    output = stdout;
    for (size_t i = 0; i < FATAL_COUNT; i++) {
        struct sigaction action;
        /* With their mask: the runtime's handler catches faults of its own while it reads memory for its report. */
        (void)sigaction(fatal[i], NULL, &before[i]);
        action = before[i];
        action.sa_sigaction = handle;
        action.sa_flags |= SA_SIGINFO | SA_ONSTACK;
        (void)sigaction(fatal[i], &action, NULL);
    }
}

int chs_crash_give_stack(void) {
    char *memory = mmap(NULL, STACK_SIZE + GUARD_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    stack_t stack;
    if (memory == MAP_FAILED) {
        return -1;
    }
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = memory + GUARD_SIZE;
    stack.ss_size = STACK_SIZE;
    if (mprotect(stack.ss_sp, STACK_SIZE, PROT_READ | PROT_WRITE) != 0 || sigaltstack(&stack, NULL) != 0) {
        (void)munmap(memory, STACK_SIZE + GUARD_SIZE);
        return -1;
    }
    return 0;
}

void chs_crash_take_stack(void) {
    stack_t none;
    stack_t given;
    memset(&none, 0, sizeof none);
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, &given) == 0 && (given.ss_flags & SS_DISABLE) == 0 && given.ss_size == STACK_SIZE) {
        (void)munmap((char *)given.ss_sp - GUARD_SIZE, STACK_SIZE + GUARD_SIZE);
    }
}

void chs_crash_say(const char *words) {
    if (page != NULL && page->words[0] == '\0') {
        strncpy(page->words, words, CHS_CRASH_WORDS - 1);
    }
}

static pthread_key_t stays;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void (*has_ended)(void);

static void thread_ended(void *unused) {
    (void)unused;
    has_ended();
}

static void make_key(void) { (void)pthread_key_create(&stays, thread_ended); }

void chs_thread_must_stay(void (*ended)(void)) {
    has_ended = ended;
    (void)pthread_once(&once, make_key);
    (void)pthread_setspecific(stays, &stays);
}

void chs_thread_may_end(void) { (void)pthread_setspecific(stays, NULL); }

/* Of libstdc++ and of the Swift runtime, where they are in the process. */
extern char *__cxa_demangle(const char *name, char *buffer, size_t *size, int *status) __attribute__((weak));
extern char *swift_demangle(const char *name, size_t length, char *buffer, size_t *size, uint32_t flags)
    __attribute__((weak));

char *chs_demangle(const char *name) {
    int status = 0;
    if (strncmp(name, "_Z", 2) == 0 && __cxa_demangle != NULL) {
        return __cxa_demangle(name, NULL, NULL, &status);
    }
    if (strncmp(name, "$s", 2) == 0 && swift_demangle != NULL) {
        return swift_demangle(name, strlen(name), NULL, NULL, 0);
    }
    return NULL;
}

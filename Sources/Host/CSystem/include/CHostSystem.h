/* Shims for what Swift's Glibc module map leaves out, or what Swift cannot call (variadic functions,
 * function-like macros). Each says why it is here; none has policy. */
#ifndef CHOSTSYSTEM_H
#define CHOSTSYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "CHostSystemCRC32C.h"
#include "CHostSystemSockets.h"
#include "CHostSystemTerminal.h"
#include "CHostSystemCrash.h"
#include "CHostSystemSandbox.h"

/* The clocks in ns. In C, since in Swift a variable whose address is passed on costs each hit of a cache a check of the
   stack, and the two functions become one with one more call. clock_gettime(2). */
static inline int64_t chs_clock(clockid_t clock) {
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (int64_t)time.tv_sec * 1000000000 + time.tv_nsec : 0;
}
static inline int64_t chs_boot_time(void) { return chs_clock(CLOCK_BOOTTIME); }
static inline int64_t chs_monotonic_time(void) { return chs_clock(CLOCK_MONOTONIC); }

/* Variadic in C: open(2) with a mode, openat(2), fcntl(2), prctl(2). */
static inline int chs_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}
static inline int chs_fcntl(int descriptor, int command, long argument) {
    return fcntl(descriptor, command, argument);
}
static inline int chs_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    return prctl(option, a, b, c, d);
}

/* Without a wrapper in glibc 2.36: pidfd_open(2), pidfd_send_signal(2), close_range flags. */
static inline int chs_pidfd_open(pid_t pid, unsigned int flags) {
    return (int)syscall(SYS_pidfd_open, pid, flags);
}
static inline int chs_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, (void *)0, 0);
}
static inline int chs_tgkill(pid_t process, pid_t thread, int signal) {
    return (int)syscall(SYS_tgkill, process, thread, signal);
}
/* Without a wrapper in glibc: membarrier(2), with its registration when that is still to be made. 0 or -1. */
int chs_barrier(void);
static inline pid_t chs_gettid(void) { return (pid_t)syscall(SYS_gettid); }

/* Without wrappers before glibc 2.41, and their struct is in a header that cannot be included beside <sched.h>: the slice
 * of the calling thread, ns, 0 when it has none. What it starts begins with the usual one if its niceness is not negative,
 * else that would be reset too. sched_setattr(2). */
int chs_set_slice(uint64_t nanoseconds);
uint64_t chs_slice(void);

/* si_code and si_status are macros over a union. */
static inline int chs_waitid_pidfd(int pidfd, int options, int *code, int *status) {
    siginfo_t info;
    info.si_pid = 0;
    int result = waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, options);
    *code = info.si_code;
    *status = info.si_status;
    return result < 0 ? -1 : info.si_pid;
}

/* Opens an entry itself, also a link, only to look at it or to give it away. open(2), O_PATH. */
int chs_open_entry(int directory, const char *name);

/* Gives what was opened so to a user and its group. fchownat(2). */
int chs_give_entry(int entry, uid_t user);

/* Becomes that user for good, with its group alone. 0, or -1 when any of it could not be done. */
int chs_become(uid_t user);

/* Declared twice for Swift. environ(7). */
static inline char **chs_environ(void) { return __environ; }

/* Declared for _GNU_SOURCE only, which would make this module's copies of glibc's structs differ from those of
 * Swift's Glibc module; so these are compiled in shims.c: pipe2(2), close_range(2), memfd_create(2),
 * renameat2(2), sigabbrev_np(3), strerror_r(3), and the leases of fcntl(2). */
int chs_pipe2(int ends[2], int flags);
int chs_close_range(unsigned int first, unsigned int last, int flags);
int chs_memfd_create(const char *name);
/* A file in memory of that size which, once it was mapped for writing here and sealed, nobody maps so again or changes
 * in any other way. memfd_create(2); fcntl(2), "File Sealing". */
int chs_sealable(const char *name, off_t size);
int chs_seal(int file);
int chs_is_sealed(int file);

/* A timer that sends this process a signal, such as SIGKILL, at a time of CLOCK_BOOTTIME. timer_create(2), timer_settime(2); struct
 * sigevent has a union, which Swift does not write. A time of 0 disarms it. */
int chs_kill_timer(timer_t *timer, int signal);
int chs_kill_timer_set(timer_t timer, int64_t nanoseconds);

/* The magic number of the file system that a descriptor is on; 0 when it is not known. statfs(2). */
long chs_file_system_kind(int descriptor);

/* The file system places the directories that are made in this one apart: chattr(1), `T`. ioctl_iflags(2). */
int chs_spread_subdirectories(int directory);
int chs_exchange(int directory, const char *one, const char *other);
/* Whoever opens the file from now on waits until it is closed here; fails when somebody has it open already, and where
 * the file system has no leases. fcntl(2), F_SETLEASE. */
int chs_lease(int file);
/* memrchr(3) and memmem(3). */
const void *chs_memrchr(const void *start, int byte, size_t count);
const void *chs_memmem(const void *start, size_t count, const void *wanted, size_t size);
const char *chs_signal_name(int signal);
/* A handler that does nothing, with SA_RESTART: exec(3) sets it back to the default, which it would not do with SIG_IGN. */
void chs_survive(int signal);
/* Ends this process at once, and its process group if it leads that. A signal handler. */
void chs_end_group(int unused);
/* Does so when the thread ends that started this process; 0, or -1. */
int chs_end_group_with_parent(void);
/* Whether a signal is ignored: sigaction(2), whose handler is a union that Swift does not read. */
int chs_is_ignored(int signal);
/* stdout is a macro in C, and a variable that Swift takes for unsafe to share. */
void chs_buffer_output_by_lines(void);
const char *chs_error_text(int number, char *buffer, size_t size);

/* Declared for _GNU_SOURCE only; the kernel's numbers, the same on x86-64 and arm64. fcntl(2), "Open file
 * description locks"; open(2). */
#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif
#ifndef O_NOATIME
#define O_NOATIME 01000000
#endif

/* Swift has no thread-local variables. A block of memory of each thread's own, of zeros at first and aligned to 16 bytes, which
   goes when the thread ends. */
#define CHS_THREAD_BLOCK 192
void *chs_thread_block(void);

/* Waits while the word has that value, until a time of CLOCK_MONOTONIC in ns, or for ever. Returns 0 or an errno. */
int chs_futex_wait(void *word, uint32_t value, int64_t until, bool forever);
void chs_futex_wake_all(void *word);

/* A turn of a loop that waits for a moment: tells the processor so. */
static inline void chs_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Has the processor bring that memory into its caches, to be written, without waiting for it. Any address may be named. */
static inline void chs_prefetch(const void *memory, size_t size) {
    for (size_t done = 0; done < size; done += 64) {
        __builtin_prefetch((const char *)memory + done, 1);
    }
}

/* errno is a macro. */
static inline int chs_errno(void) { return errno; }

/* The struct layouts of <sys/epoll.h> are packed on x86-64, which Swift does not model. */
static inline int chs_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}
static inline int chs_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}
static inline int chs_epoll_remove(int epoll, int descriptor) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, (struct epoll_event *)0);
}

/* The path of a library of this process, in the order of its loading; NULL when there are fewer. dl_iterate_phdr(3). */
const char *chs_loaded_library(int index);
/* Promotes the libraries that a loaded file is linked with to the global scope; dlopen(3) with RTLD_GLOBAL. */
void chs_show_dependencies(void *library);

/* What is said when code that the program has loaded ends the process. The texts live on. */
struct chs_last_words {
    const char *crash;    /* behind a signal's name */
    const char *exit;     /* for exit(3), _exit(2) and quick_exit(3), whose status is 1 then where it was 0 */
    const char *replaced; /* for execve(2) */
};

/* From now on these words are said, until the program ends itself. sigaction(2), on_exit(3). */
void chs_have_last_words(const struct chs_last_words *words);
/* SIGINT and SIGTERM write to this eventfd(2), instead of ending the process. One that the process sends to itself ends it, with
 * the words for a crash. -1 and errno where that cannot be. */
int chs_ring_at_stop(int bell);

/* How often a byte occurs: in C it is fast also where the program is built for debugging. */
static inline size_t chs_count(const void *bytes, size_t size, unsigned char wanted) {
    const unsigned char *byte = (const unsigned char *)bytes, *end = byte + size;
    size_t count = 0;
    for (; byte < end; byte++) {
        count += *byte == wanted;
    }
    return count;
}

/* From now on the program ends itself. */
void chs_may_exit(void);

#endif

#define _GNU_SOURCE
#include <CHostSystem.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <link.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <time.h>

int chs_pipe2(int ends[2], int flags) { return pipe2(ends, flags); }

int chs_close_range(unsigned int first, unsigned int last, int flags) { return close_range(first, last, flags); }

int chs_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int chs_sealable(const char *name, off_t size) {
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file >= 0 && ftruncate(file, size) != 0) {
        close(file);
        return -1;
    }
    return file;
}

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

int chs_seal(int file) { return fcntl(file, F_ADD_SEALS, ALL_SEALS); }

int chs_is_sealed(int file) {
    int seals = fcntl(file, F_GET_SEALS);
    return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

int chs_kill_timer(timer_t *timer, int signal) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    return timer_create(CLOCK_BOOTTIME, &event, timer);
}

int chs_kill_timer_set(timer_t timer, int64_t nanoseconds) {
    struct itimerspec at = {.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000}};
    return timer_settime(timer, TIMER_ABSTIME, &at, NULL);
}

int chs_open_entry(int directory, const char *name) { return openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC); }

int chs_give_entry(int entry, uid_t user) { return fchownat(entry, "", user, user, AT_EMPTY_PATH); }

int chs_become(uid_t user) {
    uid_t real, effective, saved;
    if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) {
        return -1;
    }
    if (getresuid(&real, &effective, &saved) != 0 || real != user || effective != user || saved != user ||
        setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
        return -1;
    }
    /* The kernel hides /proc/self of who has changed its user, from itself too, and the backtracer reads that. */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int chs_exchange(int directory, const char *one, const char *other) {
    return renameat2(directory, one, directory, other, RENAME_EXCHANGE);
}

int chs_lease(int file) {
    /* The signal by which the kernel tells that somebody waits would end the process, if it were the usual one. */
    return fcntl(file, F_SETSIG, SIGURG) == 0 ? fcntl(file, F_SETLEASE, F_WRLCK) : -1;
}

long chs_file_system_kind(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (long)status.f_type : 0;
}

int chs_spread_subdirectories(int directory) {
    int flags;
    if (ioctl(directory, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_TOPDIR_FL) != 0) {
        return -1;
    }
    flags |= FS_TOPDIR_FL;
    return ioctl(directory, FS_IOC_SETFLAGS, &flags);
}

const void *chs_memrchr(const void *start, int byte, size_t count) { return memrchr(start, byte, count); }

const void *chs_memmem(const void *start, size_t count, const void *wanted, size_t size) {
    return memmem(start, count, wanted, size);
}

const char *chs_signal_name(int signal) { return sigabbrev_np(signal); }

static void do_nothing(int signal) { (void)signal; }

int chs_is_ignored(int signal) {
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void chs_survive(int signal) {
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

/* Its own group, where it leads one: also what the plugin has started in it. */
void chs_end_group(int unused) {
    (void)unused;
    (void)kill(getpgrp() == getpid() ? 0 : getpid(), SIGKILL);
}

int chs_end_group_with_parent(void) {
    int number = SIGRTMAX - 3; /* one that nobody uses, and that ends a process which has no handler for it */
    struct sigaction action = {.sa_handler = chs_end_group};
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, NULL) != 0) {
        return -1;
    }
    return prctl(PR_SET_PDEATHSIG, (unsigned long)number, 0ul, 0ul, 0ul);
}

void chs_buffer_output_by_lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

const char *chs_error_text(int number, char *buffer, size_t size) { return strerror_r(number, buffer, size); }

static _Thread_local _Alignas(16) char thread_block[CHS_THREAD_BLOCK];

void *chs_thread_block(void) { return thread_block; }

/* The first version of the kernel's struct sched_attr. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int get_attributes(struct attributes *attributes) {
    return (int)syscall(SYS_sched_getattr, 0, attributes, sizeof *attributes, 0);
}

int chs_set_slice(uint64_t nanoseconds) {
    struct attributes attributes = {.size = 0};
    if (get_attributes(&attributes) != 0 || attributes.policy != SCHED_OTHER) {
        return -1;
    }
    attributes.runtime = nanoseconds;
    if (attributes.nice >= 0) {
        attributes.flags |= 1; /* SCHED_FLAG_RESET_ON_FORK */
    }
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

uint64_t chs_slice(void) {
    struct attributes attributes = {.size = 0};
    return get_attributes(&attributes) == 0 && attributes.policy == SCHED_OTHER ? attributes.runtime : 0;
}

void chs_show_dependencies(void *library) {
    struct link_map *map = NULL;
    const char *names = NULL;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || map == NULL || map->l_ld == NULL) {
        return;
    }
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRTAB) {
            /* The dynamic linker has added where the file is loaded. */
            names = (const char *)entry->d_un.d_ptr;
        }
    }
    for (const ElfW(Dyn) *entry = map->l_ld; names != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_NEEDED) {
            /* It is loaded; the handle is never closed, as no library here is. */
            (void)dlopen(names + entry->d_un.d_val, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
        }
    }
}

struct search {
    int left;
    const char *name;
};

static int count_down(struct dl_phdr_info *info, size_t size, void *argument) {
    struct search *search = argument;
    (void)size;
    search->name = info->dlpi_name;
    return search->left-- == 0;
}

const char *chs_loaded_library(int index) {
    struct search search = {index, NULL};
    return dl_iterate_phdr(count_down, &search) != 0 ? search.name : NULL;
}

int chs_futex_wait(void *word, uint32_t value, int64_t until, bool forever) {
    struct timespec time = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    long result = syscall(
        SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, forever ? NULL : &time, NULL, FUTEX_BITSET_MATCH_ANY);
    return result == 0 ? 0 : errno;
}

int chs_barrier(void) {
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0u, 0) == 0) return 0;
    if (errno != EPERM || syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0u, 0) != 0) return -1;
    return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0u, 0);
}

void chs_futex_wake_all(void *word) { (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

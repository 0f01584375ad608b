#define _GNU_SOURCE
#include <CHostSystem.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int chs_pipe2(int ends[2], int flags) { return pipe2(ends, flags); }

int chs_close_range(unsigned int first, unsigned int last, int flags) { return close_range(first, last, flags); }

int chs_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int chs_exchange(int directory, const char *one, const char *other) {
    return renameat2(directory, one, directory, other, RENAME_EXCHANGE);
}

int chs_spread_subdirectories(int directory) {
    int flags;
    if (ioctl(directory, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_TOPDIR_FL) != 0) {
        return -1;
    }
    flags |= FS_TOPDIR_FL;
    return ioctl(directory, FS_IOC_SETFLAGS, &flags);
}

const char *chs_signal_name(int signal) { return sigabbrev_np(signal); }

const char *chs_error_text(int number, char *buffer, size_t size) { return strerror_r(number, buffer, size); }

static _Thread_local void *thread_slot;

void *chs_thread_slot(void) { return thread_slot; }

void chs_set_thread_slot(void *value) { thread_slot = value; }

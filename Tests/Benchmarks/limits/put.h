/* What an atomic replacement costs: a temporary file, one write, a rename, and with `sync` the data and the directory
 * brought to the disk. And the least that one costs: two files that change names, so that none is made. The plugin runs it between its own puts, in the same directory and process: what a
 * file system takes for it depends on the directory's place and past by more than what is compared. */
#ifndef LIMITS_PUT_H
#define LIMITS_PUT_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Replaces the file `limit` in `directory`; 0, or -1. */
static inline int put_rename(int directory, const void *data, size_t bytes, int sync) {
    int file = openat(directory, "limit.tmp", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0 || write(file, data, bytes) != (ssize_t)bytes || (sync && fdatasync(file) != 0)) {
        return -1;
    }
    close(file);
    if (renameat(directory, "limit.tmp", directory, "limit") != 0) {
        return -1;
    }
    return sync ? fsync(directory) : 0;
}

/* Replaces the file `least` in `directory` by one that was `least` before; 0, or -1. */
static inline int put_exchange(int directory, const void *data, size_t bytes, int sync) {
    int file = openat(directory, "least.tmp", O_WRONLY | O_CREAT, 0600);
    if (file < 0 || pwrite(file, data, bytes, 0) != (ssize_t)bytes || (sync && fdatasync(file) != 0)) {
        return -1;
    }
    close(file);
    /* 2: RENAME_EXCHANGE; the first time there is nothing to change names with. */
    if (syscall(SYS_renameat2, directory, "least.tmp", directory, "least", 2) != 0 &&
        renameat(directory, "least.tmp", directory, "least") != 0) {
        return -1;
    }
    return sync ? fsync(directory) : 0;
}

#endif

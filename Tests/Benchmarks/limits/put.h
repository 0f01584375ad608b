/* The least that an atomic replacement costs: a temporary file, one write, a rename, and with `sync` the data and the
 * directory brought to the disk. The plugin runs it between its own puts, in the same directory and process: what a
 * file system takes for it depends on the directory's place and past by more than what is compared. */
#ifndef LIMITS_PUT_H
#define LIMITS_PUT_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Replaces the file `limit` in `directory`; 0, or -1. */
static inline int put_least(int directory, const void *data, size_t bytes, int sync) {
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

#endif

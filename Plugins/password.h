/* The file that has a password in its first line. For the plugins that are stores. */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads the first line of the file, without its end, into `password`, which has `size` bytes. False with what is wrong in
 * `fault`. Never waits, as for the writer of a pipe, and never takes a part of a line for the whole. */
static inline bool password_read(const char *path, char *password, size_t size, char *fault, size_t fault_size) {
    struct stat status;
    size_t count = 0;
    ssize_t some = 1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool is_regular = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    while (is_regular && some > 0 && count < size) {
        some = read(file, password + count, size - count);
        count += some > 0 ? (size_t)some : 0;
    }
    int reason = errno;
    if (file >= 0) {
        (void)close(file);
    }
    size_t length = 0;
    while (length < count && password[length] != '\r' && password[length] != '\n') {
        length++;
    }
    if (file < 0 || some < 0) {
        (void)snprintf(fault, fault_size, "parameter 'password_file': %.200s cannot be read: %s", path, strerror(reason));
    } else if (!is_regular) {
        (void)snprintf(fault, fault_size, "parameter 'password_file': %.200s is not a regular file", path);
    } else if (length == size) {
        (void)snprintf(fault, fault_size, "parameter 'password_file': the first line of %.200s is longer than %zu bytes", path,
                       size - 1);
    } else if (length == 0) {
        (void)snprintf(fault, fault_size, "parameter 'password_file': %.200s is empty, or its first line is", path);
    } else {
        memset(password + length, 0, size - length); /* also what comes after the first line */
        return true;
    }
    explicit_bzero(password, size);
    return false;
}

#endif

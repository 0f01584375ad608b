/* One file that grows: read as it grows, across rotation (it is renamed, and another file gets its name) and
 * truncation (it begins anew in place). */
#define _GNU_SOURCE
#include "log_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* Opens a regular file; -1 and errno if it is none (EINVAL) or cannot be opened. Never waits, whatever it is. */
static int open_regular(const char *path, struct stat *status) {
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    if (fstat(file, status) != 0 || !S_ISREG(status->st_mode)) {
        (void)close(file);
        errno = EINVAL;
        return -1;
    }
    return file;
}

static void begin_at(struct follower *follower, uint64_t offset) {
    follower->offset = offset;
    follower->line_at = offset;
    follower->line_size = 0;
    follower->cut = false;
    follower->head = head_read(follower->file, offset);
}

static void adopt(struct follower *follower, int file, const struct stat *status, uint64_t offset) {
    follower->file = file;
    follower->device = (uint64_t)status->st_dev;
    follower->inode = (uint64_t)status->st_ino;
    follower->replaced = false;
    follower->at_end = false;
    follower->has_known = false;
    follower->waiting = WAITING_NOT;
    begin_at(follower, offset);
}

/* Opens the file that had the name before the last rotation; -1: there is none that can be read. */
static int open_predecessor(const struct follower *follower, struct stat *status) {
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s.1", follower->path);
    return size > 0 && (size_t)size < sizeof path ? open_regular(path, status) : -1;
}

/* The file that had the name before a rotation that nobody watched. */
static bool adopt_predecessor(struct follower *follower) {
    struct stat status;
    int file = open_predecessor(follower, &status);
    if (file < 0) {
        return false;
    }
    if (!position_fits(&follower->known, file, &status)) {
        (void)close(file);
        return false;
    }
    adopt(follower, file, &status, follower->known.offset);
    return true;
}

static bool is_older(struct timespec one, struct timespec other) {
    return one.tv_sec < other.tv_sec || (one.tv_sec == other.tv_sec && one.tv_nsec < other.tv_nsec);
}

/* After the end of a file that was renamed: the file that has had the name between that one and the one which has it now, if
 * there were two rotations at once. A file that was written last before the one that ended is an older one, which was read. */
static bool adopt_middle(struct follower *follower, const struct stat *ended) {
    struct stat status, now;
    int file = open_predecessor(follower, &status);
    if (file < 0) {
        return false;
    }
    bool is_ended = ended->st_dev == status.st_dev && ended->st_ino == status.st_ino;
    bool is_now = stat(follower->path, &now) == 0 && now.st_dev == status.st_dev && now.st_ino == status.st_ino;
    if (is_ended || is_now || is_older(status.st_mtim, ended->st_mtim)) {
        (void)close(file);
        return false;
    }
    adopt(follower, file, &status, 0);
    return true;
}

/* Where to begin in a file that was just opened. */
static uint64_t first_offset(struct follower *follower, int file, const struct stat *status) {
    if (!follower->has_known) {
        return follower->at_end ? (uint64_t)status->st_size : 0;
    }
    if (position_fits(&follower->known, file, status)) {
        return follower->known.offset;
    }
    if (follower->known.device == (uint64_t)status->st_dev && follower->known.inode == (uint64_t)status->st_ino) {
        follower->counts.truncations++;
    } else {
        follower->counts.rotations++;
    }
    return 0;
}

/* Opens the file, if it is there. */
static void open_path(struct follower *follower) {
    struct stat status;
    int file = open_regular(follower->path, &status);
    int reason = errno;
    bool is_known = file >= 0 && follower->has_known && position_fits(&follower->known, file, &status);
    if (follower->has_known && !is_known && adopt_predecessor(follower)) {
        if (file >= 0) {
            (void)close(file);
        }
        return;
    }
    if (file >= 0) {
        adopt(follower, file, &status, first_offset(follower, file, &status));
        return;
    }
    follower->waiting = reason == ENOENT ? WAITING_ABSENT : WAITING_UNREADABLE;
    follower->open_error = reason;
    follower->at_end = follower->at_end && reason != ENOENT; /* what comes later is new */
}

void follow_begin(struct follower *follower, const char *path, struct patterns *patterns,
                  const struct position *position, bool from_start) {
    follower->path = path;
    follower->patterns = patterns;
    follower->file = -1;
    follower->at_end = !from_start;
    follower->has_known = position != NULL;
    if (position != NULL) {
        follower->known = *position;
    }
    follower->waiting = WAITING_NOT;
    follower->counts = (struct counts){0, 0, 0, 0, 0, 0};
    open_path(follower);
}

void follow_end(struct follower *follower) {
    if (follower->file >= 0) {
        (void)close(follower->file);
        follower->file = -1;
    }
}

bool follow_position(const struct follower *follower, struct position *position) {
    if (follower->file < 0) {
        if (follower->has_known) {
            *position = follower->known;
        }
        return follower->has_known;
    }
    *position = (struct position){
        .device = follower->device,
        .inode = follower->inode,
        .offset = follower->line_at,
        .head = follower->head,
    };
    return true;
}

/* The line in the making is complete. */
static void end_line(struct follower *follower) {
    follower->line[follower->line_size] = '\0';
    follower->counts.lines++;
    follower->counts.long_lines += follower->cut;
    follower->counts.matched += patterns_match(follower->patterns, follower->line);
    follower->line_size = 0;
    follower->cut = false;
}

static void consume(struct follower *follower, size_t size) {
    size_t at = 0;
    while (at < size) {
        char *begin = follower->block + at;
        const char *newline = memchr(begin, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - begin) : size - at;
        size_t room = LINE_MAX_BYTES - follower->line_size;
        size_t taken = length < room ? length : room;
        for (size_t i = 0; i < taken; i++) { /* a NUL would end the line for regexec(3) */
            follower->line[follower->line_size + i] = begin[i] != '\0' ? begin[i] : ' ';
        }
        follower->line_size += taken;
        follower->cut = follower->cut || taken < length;
        at += length;
        if (newline != NULL) {
            at++;
            end_line(follower);
            follower->line_at = follower->offset + at;
        }
    }
    follower->offset += size;
    follower->counts.bytes += size;
}

/* A file that is shorter than what was read, or that has another beginning, was begun anew. */
static bool was_truncated(const struct follower *follower) {
    struct stat status;
    if (fstat(follower->file, &status) != 0 || status.st_size < 0) {
        return false;
    }
    if ((uint64_t)status.st_size < follower->offset) {
        return true;
    }
    if ((uint64_t)status.st_size == follower->offset) {
        return false;
    }
    struct head head = head_read(follower->file, follower->head.size);
    return head.size != follower->head.size || head.checksum != follower->head.checksum;
}

/* Whether the name now belongs to another file. A name that nobody has is not taken yet; one that cannot be looked up
 * counts as unreadable, because whether it has been taken is not known. */
static bool is_replaced(struct follower *follower) {
    struct stat status;
    follower->waiting = WAITING_NOT;
    if (stat(follower->path, &status) != 0) {
        if (errno != ENOENT) {
            follower->waiting = WAITING_UNREADABLE;
            follower->open_error = errno;
        }
        return false;
    }
    return (follower->device != (uint64_t)status.st_dev || follower->inode != (uint64_t)status.st_ino);
}

enum reading { READ_ALL, READ_ENOUGH, READ_FAILED };

/* Reads to the end of the file, or until the budget is spent or the host asks to stop. */
static enum reading read_on(struct follower *follower, const schedhost_scheduler *scheduler, size_t *budget) {
    if (was_truncated(follower)) {
        follower->counts.truncations++;
        begin_at(follower, 0);
    }
    while (*budget > 0 && !schedhost_stop_requested(scheduler)) {
        size_t wanted = *budget < BLOCK_BYTES ? *budget : BLOCK_BYTES;
        ssize_t got = pread(follower->file, follower->block, wanted, (off_t)follower->offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            follower->open_error = errno;
            return READ_FAILED;
        }
        if (got == 0) {
            return READ_ALL;
        }
        consume(follower, (size_t)got);
        *budget -= (size_t)got;
        if (follower->head.size < HEAD_BYTES) {
            follower->head = head_read(follower->file, follower->offset);
        }
    }
    return READ_ENOUGH;
}

bool follow_step(struct follower *follower, const schedhost_scheduler *scheduler) {
    size_t budget = CYCLE_BYTES;
    if (follower->file < 0) {
        open_path(follower);
    }
    while (follower->file >= 0) {
        enum reading reading = read_on(follower, scheduler, &budget);
        if (reading == READ_ENOUGH) {
            return !schedhost_stop_requested(scheduler);
        }
        if (reading == READ_FAILED) {
            follower->has_known = follow_position(follower, &follower->known);
            follow_end(follower);
            follower->waiting = WAITING_UNREADABLE;
            return false;
        }
        if (!is_replaced(follower)) {
            follower->replaced = false;
            return false;
        }
        if (!follower->replaced) { /* its writer may still be at work on the old file: wait a cycle */
            follower->replaced = true;
            return false;
        }
        if (follower->line_size > 0 || follower->cut) {
            end_line(follower);
        }
        struct stat ended;
        bool has_ended = fstat(follower->file, &ended) == 0;
        follow_end(follower);
        follower->counts.rotations++;
        if (!has_ended || !adopt_middle(follower, &ended)) {
            open_path(follower);
        }
    }
    return false;
}

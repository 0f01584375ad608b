/* Where we were: kept in the disk cache, so that a new session goes on there. */
#define _GNU_SOURCE
#include "log_tail.h"

#include <errno.h>
#include <unistd.h>

#define FORM 1u /* of the struct below; another form is as good as none */

struct kept {
    uint32_t form;
    uint32_t reserved;
    uint64_t path; /* a checksum of the file's name: one routine may be told to follow another file */
    struct position position;
};

/* FNV-1a: not against an attacker, but against mistaking one file for another. */
static uint64_t checksum(const void *bytes, size_t size) {
    const unsigned char *each = bytes;
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ each[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

bool position_load(const schedhost_scheduler *scheduler, schedhost_cache *cache, const char *path,
                   struct position *position) {
    schedhost_cache_value value;
    struct kept kept;
    if (cache == NULL || schedhost_cache_peek(scheduler, cache, &value) != SCHEDHOST_OK || value.data == NULL ||
        value.size != sizeof kept) {
        return false;
    }
    memcpy(&kept, value.data, sizeof kept);
    if (kept.form != FORM || kept.path != checksum(path, strlen(path)) || kept.position.head.size > HEAD_BYTES ||
        kept.position.offset > INT64_MAX) {
        return false;
    }
    *position = kept.position;
    return true;
}

bool position_store(const schedhost_scheduler *scheduler, schedhost_cache *cache, const char *path,
                    const struct position *position) {
    struct kept kept = {.form = FORM, .path = checksum(path, strlen(path)), .position = *position};
    return cache != NULL && schedhost_cache_put(scheduler, cache, &kept, sizeof kept) == SCHEDHOST_OK;
}

struct head head_read(int file, uint64_t size) {
    unsigned char bytes[HEAD_BYTES];
    size_t wanted = size < HEAD_BYTES ? (size_t)size : HEAD_BYTES;
    size_t have = 0;
    while (have < wanted) {
        ssize_t got = pread(file, bytes + have, wanted - have, (off_t)have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        have += (size_t)got;
    }
    return (struct head){.size = have, .checksum = checksum(bytes, have)};
}

bool position_fits(const struct position *position, int file, const struct stat *status) {
    if (position->inode != (uint64_t)status->st_ino || status->st_size < 0 ||
        (uint64_t)status->st_size < position->offset) {
        return false;
    }
    /* A disk may have another number after the machine has started again. The beginning then says whether it is the file, and
     * an empty one says nothing. */
    if (position->device != (uint64_t)status->st_dev && position->head.size == 0) {
        return false;
    }
    struct head head = head_read(file, position->head.size);
    return head.size == position->head.size && head.checksum == position->head.checksum;
}

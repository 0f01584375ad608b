/* What the fake store keeps: a file `data`, and those before it, `data.N`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_store.h"

static const char magic[8] = "fakestr";

/* How a file begins, and how each record in it does. */
struct head {
    char magic[8];
    uint64_t instance;
    uint64_t sequence;
    uint64_t count;
};
struct record_head {
    uint64_t key_size;
    uint64_t size;
    uint64_t version;
    int64_t written_ms;
    int64_t until_ms;
};

static int order(const void *key, size_t size, const struct record *record) {
    int bytes = memcmp(key, record->key, size < record->key_size ? size : record->key_size);
    return bytes != 0 ? bytes : (size > record->key_size) - (size < record->key_size);
}

size_t data_find(const struct data *data, const void *key, size_t size, bool *found) {
    size_t low = 0, high = data->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (order(key, size, &data->records[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = low < data->count && order(key, size, &data->records[low]) == 0;
    return low;
}

void data_put(struct data *data, const struct record *record) {
    bool found;
    size_t at = data_find(data, record->key, record->key_size, &found);
    if (!found) {
        struct record *grown = realloc(data->records, (data->count + 1) * sizeof *grown);
        if (grown == NULL) {
            abort();
        }
        data->records = grown;
        memmove(&grown[at + 1], &grown[at], (data->count - at) * sizeof *grown);
        data->count++;
    }
    data->records[at] = *record;
}

void data_delete(struct data *data, const void *key, size_t size) {
    bool found;
    size_t at = data_find(data, key, size, &found);
    if (found) {
        data->count--;
        memmove(&data->records[at], &data->records[at + 1], (data->count - at) * sizeof data->records[0]);
    }
}

void data_free(struct data *data) {
    free(data->records);
    free(data->file);
    memset(data, 0, sizeof *data);
}

static bool read_all(int file, unsigned char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t some = read(file, bytes + done, size - done);
        if (some <= 0) {
            return false;
        }
        done += (size_t)some;
    }
    return true;
}

static bool read_named(struct data *data, int directory, const char *name, int64_t now_ms) {
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
    struct stat status;
    struct head head;
    bool good = false;
    memset(data, 0, sizeof *data);
    if (file < 0) {
        return errno == ENOENT;
    }
    if (fstat(file, &status) == 0 && (size_t)status.st_size >= sizeof head) {
        data->file = malloc((size_t)status.st_size);
        good = data->file != NULL && read_all(file, data->file, (size_t)status.st_size);
    }
    (void)close(file);
    if (!good) {
        data_free(data);
        return false;
    }
    memcpy(&head, data->file, sizeof head);
    good = memcmp(head.magic, magic, sizeof magic) == 0;
    data->instance = head.instance;
    data->sequence = head.sequence;
    data->records = good ? calloc(head.count + 1, sizeof data->records[0]) : NULL;
    size_t at = sizeof head;
    for (uint64_t i = 0; good && i < head.count; i++) {
        struct record_head each;
        memcpy(&each, data->file + at, sizeof each);
        at += sizeof each;
        if (each.until_ms == 0 || each.until_ms > now_ms) {
            data->records[data->count++] = (struct record){
                (const char *)data->file + at, each.key_size, data->file + at + each.key_size, each.size, each.version,
                each.written_ms, each.until_ms};
        }
        at += each.key_size + each.size;
    }
    if (!good) {
        data_free(data);
    }
    return good;
}

bool data_read(struct data *data, int directory, int64_t now_ms) { return read_named(data, directory, "data", now_ms); }

bool data_write(const struct data *data, int directory) {
    int number = openat(directory, "data.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = number >= 0 ? fdopen(number, "w") : NULL;
    struct head head = {.instance = data->instance, .sequence = data->sequence, .count = data->count};
    char before[32];
    bool good;
    if (file == NULL) {
        return false;
    }
    memcpy(head.magic, magic, sizeof magic);
    good = fwrite(&head, sizeof head, 1, file) == 1;
    for (size_t i = 0; good && i < data->count; i++) {
        const struct record *record = &data->records[i];
        struct record_head each = {record->key_size, record->size, record->version, record->written_ms, record->until_ms};
        good = fwrite(&each, sizeof each, 1, file) == 1 && fwrite(record->key, record->key_size, 1, file) == 1 &&
               (record->size == 0 || fwrite(record->bytes, record->size, 1, file) == 1);
    }
    good = fclose(file) == 0 && good;
    /* What was there is number `sequence - 1`, which is kept. */
    (void)snprintf(before, sizeof before, "data.%d", (int)((data->sequence + HISTORY - 1) % HISTORY));
    (void)renameat(directory, "data", directory, before);
    return good && renameat(directory, "data.new", directory, "data") == 0;
}

bool data_lose(struct data *data, int directory, uint64_t count, int64_t now_ms) {
    uint64_t wanted = data->sequence - count;
    char name[32];
    if (count == 0 || count >= HISTORY || count > data->sequence) {
        return false;
    }
    (void)snprintf(name, sizeof name, "data.%d", (int)(wanted % HISTORY));
    struct data older;
    bool found = read_named(&older, directory, name, now_ms) && older.sequence == wanted;
    if (found) {
        older.instance = data->instance;
        data_free(data);
        *data = older;
    } else {
        data_free(&older);
    }
    return found;
}

/* Calls of a store, with what a host would see to: times, statuses that fit, texts of errors. */
#define _GNU_SOURCE
#include <time.h>

#include "check.h"

void fault(struct check *check, const char *format, ...) {
    va_list arguments;
    if (check->sentence[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(check->sentence, sizeof check->sentence, format, arguments);
    va_end(arguments);
}

void leave_out(struct check *check, const char *what) {
    check->left_out = true;
    (void)snprintf(check->sentence, sizeof check->sentence, "nothing here makes '%s' happen to the server", what);
}

bool control(const struct check *check, const char *what) {
    return check->setup->control != NULL && check->setup->control(check->setup->user, what) == 0;
}

int64_t clock_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void sleep_for_ms(int64_t ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

const char *status_name(uint32_t status) {
    switch (status) {
        case SCHEDHOST_STORE_DONE:
            return "DONE";
        case SCHEDHOST_STORE_ABSENT:
            return "ABSENT";
        case SCHEDHOST_STORE_CHANGED:
            return "CHANGED";
        case SCHEDHOST_STORE_UNKNOWN:
            return "UNKNOWN";
        case SCHEDHOST_STORE_REFUSED:
            return "REFUSED";
        case BROKEN:
            return "an error of the link";
        default:
            return "a status that there is not";
    }
}

const char *failure(const struct check *check) { return check->setup->failure(check->setup->user); }

void in_time(struct check *check, const char *call, int64_t start, uint32_t timeout_ms) {
    int64_t took = clock_ms() - start;
    if (took > (int64_t)timeout_ms + SLACK_MS) {
        fault(check, "%s took %" PRId64 " ms with a timeout of %" PRIu32 " ms", call, took, timeout_ms);
    }
}

struct key key_of(const struct check *check, const char *format, ...) {
    struct key key;
    char text[SCHEDHOST_STORE_MAX_KEY + 1];
    va_list arguments;
    int size;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size = snprintf(key.text, sizeof key.text, "%.*s%.*s", 96, check->space, (int)sizeof text - 97, text);
    key.size = size > 0 ? (size_t)size : 0;
    return key;
}

/* ---- what a store writes to ---- */

static int32_t sink_write(schedhost_writer *writer, const void *bytes, size_t size) {
    struct sink *sink = writer->host_data;
    if (sink->size + size > sink->capacity) {
        size_t capacity = (sink->size + size) * 2;
        unsigned char *grown = realloc(sink->bytes, capacity);
        if (grown == NULL) {
            return SCHEDHOST_TOO_LARGE;
        }
        sink->bytes = grown;
        sink->capacity = capacity;
    }
    if (size > 0) {
        memcpy(sink->bytes + sink->size, bytes, size);
    }
    sink->size += size;
    return SCHEDHOST_OK;
}
static int32_t sink_object(schedhost_writer *writer, void *object, void (*release)(void *object), size_t cost) {
    (void)writer, (void)object, (void)release, (void)cost;
    return SCHEDHOST_INVALID;
}
void sink_begin(struct sink *sink) {
    memset(sink, 0, sizeof *sink);
    sink->writer.struct_size = (uint32_t)sizeof sink->writer;
    sink->writer.write = sink_write;
    sink->writer.set_object = sink_object;
    sink->writer.host_data = sink;
}
void sink_end(struct sink *sink) {
    free(sink->bytes);
    sink->bytes = NULL;
}

/* ---- links ---- */

struct link link_open(struct check *check, uint32_t timeout_ms) {
    struct link link;
    struct sink name;
    schedhost_store_server server = {SCHEDHOST_SIZED(schedhost_store_server), .instance = &name.writer};
    int64_t start = clock_ms();
    int32_t code;
    memset(&link, 0, sizeof link);
    sink_begin(&name);
    (void)failure(check);
    code = check->store->open(check->setup->scheduler, timeout_ms, &server, check->store->user);
    in_time(check, "open", start, timeout_ms);
    if (code != SCHEDHOST_OK) {
        (void)snprintf(link.failure, sizeof link.failure, "%s", failure(check));
        if (server.link != NULL) {
            fault(check, "open returned an error and a link as well");
        } else if (link.failure[0] == '\0') {
            fault(check, "open returned the error %" PRId32 " and said nothing by schedhost_fail", code);
        }
    } else if (server.link == NULL) {
        fault(check, "open returned SCHEDHOST_OK and no link");
    } else {
        size_t slot = 0;
        while (slot < sizeof check->open / sizeof check->open[0] - 1 && check->open[slot] != NULL) {
            slot++;
        }
        check->open[slot] = server.link;
        link.raw = server.link;
        link.flags = server.flags;
        if (name.size == 0 || name.size > SCHEDHOST_STORE_MAX_INSTANCE) {
            fault(check, "the name of the instance has %zu bytes, not 1 to %u", name.size, SCHEDHOST_STORE_MAX_INSTANCE);
        } else {
            memcpy(link.instance, name.bytes, name.size);
        }
        for (size_t i = 0; link.instance[i] != '\0'; i++) {
            if ((unsigned char)link.instance[i] < 0x20) {
                fault(check, "the name of the instance has a control character");
            }
        }
        if ((link.flags & ~(uint32_t)SCHEDHOST_STORE_STRICT) != 0) {
            fault(check, "open gives flags that there are not: 0x%" PRIx32, link.flags);
        }
    }
    sink_end(&name);
    return link;
}

struct link link_open_again(struct check *check) {
    int64_t until = clock_ms() + 10000;
    struct link link = link_open(check, 1000);
    while (link.raw == NULL && check->sentence[0] == '\0' && clock_ms() < until) {
        sleep_for_ms(50);
        link = link_open(check, 1000);
    }
    if (link.raw == NULL) {
        fault(check, "10 s after the server is back no link can be opened: %s", link.failure);
    }
    return link;
}

struct link link_get(struct check *check) {
    struct link link = link_open(check, USUAL_MS);
    if (link.raw == NULL) {
        fault(check, "no link can be opened: %s", link.failure);
    }
    return link;
}

void link_close(struct check *check, struct link *link) {
    int64_t start = clock_ms();
    if (link->raw != NULL) {
        for (size_t i = 0; i < sizeof check->open / sizeof check->open[0]; i++) {
            check->open[i] = check->open[i] == link->raw ? NULL : check->open[i];
        }
        check->store->close(link->raw);
        in_time(check, "close", start, 0);
    }
    link->raw = NULL;
}

/* ---- reading ---- */

struct value get(struct check *check, struct link *link, struct key key, struct sink *sink, uint32_t timeout_ms) {
    schedhost_store_read read = {
        SCHEDHOST_SIZED(schedhost_store_read), .status = SCHEDHOST_STORE_UNKNOWN, .key = key.text, .key_size = key.size,
        .writer = sink != NULL ? &sink->writer : NULL, .age_ms = -1};
    schedhost_store_read *const reads[] = {&read};
    int64_t start = clock_ms();
    int32_t code;
    if (sink != NULL) {
        sink->size = 0;
    }
    if (link->raw == NULL) {
        return (struct value){.status = BROKEN, .age_ms = -1};
    }
    code = check->store->read(link->raw, reads, 1, timeout_ms);
    in_time(check, "read", start, timeout_ms);
    if (code != SCHEDHOST_OK) {
        return (struct value){.status = BROKEN, .age_ms = -1};
    }
    if (read.status != SCHEDHOST_STORE_DONE && read.status != SCHEDHOST_STORE_ABSENT) {
        fault(check, "a read is %s: %s", status_name(read.status), failure(check));
    } else if ((read.status == SCHEDHOST_STORE_ABSENT) != (read.version == 0)) {
        fault(check, "a read is %s with the version %" PRIu64, status_name(read.status), read.version);
    } else if (read.version > SCHEDHOST_STORE_MAX_VERSION) {
        fault(check, "the version %" PRIu64 " is over SCHEDHOST_STORE_MAX_VERSION", read.version);
    } else if (read.age_ms < -1) {
        fault(check, "an age is %" PRId64 " ms", read.age_ms);
    }
    return (struct value){.status = read.status, .version = read.version, .age_ms = read.age_ms};
}

bool has_text(struct check *check, struct link *link, struct key key, const char *text) {
    struct sink sink;
    sink_begin(&sink);
    struct value value = get(check, link, key, &sink, USUAL_MS);
    bool has = value.status == SCHEDHOST_STORE_DONE && sink.size == strlen(text) &&
               (sink.size == 0 || memcmp(sink.bytes, text, sink.size) == 0);
    sink_end(&sink);
    return has;
}

static int32_t take(void *user, const void *key, size_t key_size, uint64_t version, int64_t age_ms, const void *bytes,
                    size_t size) {
    struct listed *listed = user;
    size_t count = listed->count + 1;
    struct key *keys = realloc(listed->keys, count * sizeof *keys);
    uint64_t *versions = keys != NULL ? realloc(listed->versions, count * sizeof *versions) : NULL;
    (void)age_ms, (void)bytes;
    listed->keys = keys != NULL ? keys : listed->keys;
    if (versions == NULL || key_size > SCHEDHOST_STORE_MAX_KEY) {
        return 1;
    }
    listed->versions = versions;
    memcpy(keys[count - 1].text, key, key_size);
    keys[count - 1].text[key_size] = '\0';
    keys[count - 1].size = key_size;
    versions[count - 1] = version;
    listed->count = count;
    listed->bytes += size;
    return listed->stop_after == count;
}

bool list(struct check *check, struct link *link, const char *prefix, const struct key *after, size_t limit,
          struct listed *listed, uint32_t timeout_ms) {
    struct key whole = key_of(check, "%s", prefix);
    int64_t start = clock_ms();
    size_t before = listed->count;
    int32_t code;
    if (link->raw == NULL) {
        return false;
    }
    code = check->store->list(link->raw, whole.text, whole.size, after != NULL ? after->text : NULL,
                              after != NULL ? after->size : 0, limit, take, listed, timeout_ms);
    in_time(check, "list", start, timeout_ms);
    if (listed->count - before > limit) {
        fault(check, "list told %zu keys with a limit of %zu", listed->count - before, limit);
    }
    return code == SCHEDHOST_OK;
}

void listed_end(struct listed *listed) {
    free(listed->keys);
    free(listed->versions);
    memset(listed, 0, sizeof *listed);
}

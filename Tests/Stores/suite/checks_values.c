/* What is put is read: values, keys, versions, ages, and what is kept for a time. */
#include "check.h"

static void opening(struct check *check) {
    struct link one = link_get(check);
    struct link two = link_get(check);
    HOLDS(check, strcmp(one.instance, two.instance) == 0,
          "two links name the instance differently, '%s' and '%s': hosts would take that for a loss", one.instance,
          two.instance);
    link_close(check, &one);
    struct key key = key_of(check, "left");
    uint64_t version = put(check, &two, key, "text");
    link_close(check, &two);
    one = link_get(check);
    struct value value = get(check, &one, key, NULL, USUAL_MS);
    HOLDS(check, value.status == SCHEDHOST_STORE_DONE && value.version == version,
          "what one link has put another one does not find: %s, version %" PRIu64 " in place of %" PRIu64,
          status_name(value.status), value.version, version);
    link_close(check, &one);
}

static void values(struct check *check) {
    struct link link = link_get(check);
    const size_t sizes[] = {0, 1, 255, 4096, 65535, 65536, (size_t)check->store->max_value_bytes};
    struct sink sink;
    sink_begin(&sink);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        struct key key = key_of(check, "%zu", i);
        struct commit commit;
        unsigned char *bytes = malloc(size + 1);
        HOLDS(check, bytes != NULL, "there is no memory for %zu bytes", size);
        for (size_t at = 0; at < size; at++) {
            bytes[at] = (unsigned char)(at * 31 + at / 251); /* each byte, zero and line ends too */
        }
        commit_begin(&commit);
        commit_put(&commit, key, size == 0 ? NULL : bytes, size, 0);
        uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
        uint64_t version = commit.raw.version;
        commit_end(&commit);
        HOLDS(check, status == SCHEDHOST_STORE_DONE, "to put a value of %zu bytes is %s: %s", size, status_name(status),
              failure(check));
        struct value value = get(check, &link, key, &sink, USUAL_MS);
        HOLDS(check, value.status == SCHEDHOST_STORE_DONE, "a value of %zu bytes is read as %s: %s", size,
              status_name(value.status), failure(check));
        HOLDS(check, sink.size == size, "a value of %zu bytes is read with %zu bytes", size, sink.size);
        HOLDS(check, size == 0 || memcmp(sink.bytes, bytes, size) == 0, "a value of %zu bytes is read with other bytes",
              size);
        HOLDS(check, value.version == version, "a value is read with the version %" PRIu64 ", and was written with %" PRIu64,
              value.version, version);
        value = get(check, &link, key, NULL, USUAL_MS);
        HOLDS(check, value.status == SCHEDHOST_STORE_DONE && value.version == version,
              "a read without a writer, of %zu bytes, is %s with the version %" PRIu64, size, status_name(value.status),
              value.version);
        free(bytes);
    }
    sink_end(&sink);
    link_close(check, &link);
}

#define ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/#%"

static void keys(struct check *check) {
    struct link link = link_get(check);
    struct key all = key_of(check, "%s", ALPHABET);
    struct key longest = key_of(check, "x");
    struct key other;
    while (longest.size < SCHEDHOST_STORE_MAX_KEY) {
        longest.text[longest.size] = ALPHABET[longest.size % (sizeof ALPHABET - 1)];
        longest.text[++longest.size] = '\0';
    }
    other = longest; /* differs in its last character */
    other.text[other.size - 1] = other.text[other.size - 1] == 'b' ? 'c' : 'b';
    put(check, &link, all, "all");
    put(check, &link, longest, "longest");
    put(check, &link, other, "other");
    put(check, &link, key_of(check, "a"), "a");
    put(check, &link, key_of(check, "a/"), "a/");
    put(check, &link, key_of(check, "A"), "A");
    put(check, &link, key_of(check, ".."), "dots");
    HOLDS(check, has_text(check, &link, all, "all"), "a key with each character that keys may have is not found");
    HOLDS(check, has_text(check, &link, longest, "longest"), "a key of 1024 bytes is not found");
    HOLDS(check, has_text(check, &link, other, "other"), "two keys of 1024 bytes that differ in the last one are one");
    HOLDS(check, has_text(check, &link, key_of(check, "a"), "a"), "'a' and 'a/', or 'a' and 'A', are one key");
    HOLDS(check, has_text(check, &link, key_of(check, ".."), "dots"), "the key '..' is not found");
    /* Without the space of this check: a key of one byte is somebody's only where nobody else is. */
    struct key one = {.size = 1, .text = "#"};
    uint64_t version = 0;
    uint32_t status = put_if(check, &link, one, 0, "one", &version);
    HOLDS(check, status == SCHEDHOST_STORE_DONE || status == SCHEDHOST_STORE_CHANGED, "to put the key '#' is %s",
          status_name(status));
    if (status == SCHEDHOST_STORE_DONE) {
        HOLDS(check, has_text(check, &link, one, "one"), "a key of one byte is not found");
        erase(check, &link, one);
    }
    link_close(check, &link);
}

/* Many keys in one call, those that there are and those that there are not, and one of them twice. */
static void batches(struct check *check) {
    enum { COUNT = 200 };
    struct link link = link_get(check);
    static struct key names[COUNT + 1];
    static struct sink sinks[COUNT + 1];
    static schedhost_store_read reads[COUNT + 1];
    schedhost_store_read *list[COUNT + 1];
    for (int i = 0; i < COUNT; i++) {
        names[i] = key_of(check, "%03d", i);
        if (i % 2 == 0) {
            put(check, &link, names[i], names[i].text);
        }
    }
    names[COUNT] = names[0];
    for (int i = 0; i <= COUNT; i++) {
        sink_begin(&sinks[i]);
        reads[i] = (schedhost_store_read){
            SCHEDHOST_SIZED(schedhost_store_read), .status = SCHEDHOST_STORE_UNKNOWN, .key = names[i].text,
            .key_size = names[i].size, .writer = i % 3 == 0 ? NULL : &sinks[i].writer, .age_ms = -1};
        list[i] = &reads[i];
    }
    HOLDS(check, true, "nothing");
    int32_t code = check->store->read(link.raw, list, COUNT + 1, USUAL_MS);
    HOLDS(check, code == SCHEDHOST_OK, "a read of %d keys returned the error %" PRId32 ": %s", COUNT + 1, code,
          failure(check));
    for (int i = 0; i <= COUNT; i++) {
        uint32_t right = i % 2 == 0 || i == COUNT ? SCHEDHOST_STORE_DONE : SCHEDHOST_STORE_ABSENT;
        HOLDS(check, reads[i].status == right, "key %d of %d in one read is %s, not %s", i + 1, COUNT + 1,
              status_name(reads[i].status), status_name(right));
        HOLDS(check,
              reads[i].writer == NULL || right == SCHEDHOST_STORE_ABSENT ||
                  (sinks[i].size == names[i].size && memcmp(sinks[i].bytes, names[i].text, names[i].size) == 0),
              "key %d of %d in one read has another one's value", i + 1, COUNT + 1);
        HOLDS(check, right != SCHEDHOST_STORE_ABSENT || sinks[i].size == 0, "a key that is absent has a value");
        sink_end(&sinks[i]);
    }
    link_close(check, &link);
}

static void ages(struct check *check) {
    struct link link = link_get(check);
    struct key key = key_of(check, "aged");
    int64_t before = clock_ms();
    put(check, &link, key, "text");
    int64_t after = clock_ms();
    for (int i = 0; i < 3; i++) {
        sleep_for_ms(120);
        int64_t earliest = clock_ms() - after;
        struct value value = get(check, &link, key, NULL, USUAL_MS);
        int64_t latest = clock_ms() - before;
        HOLDS(check, value.status == SCHEDHOST_STORE_DONE, "a key that was put is %s", status_name(value.status));
        if (value.age_ms == -1) {
            break; /* it cannot tell */
        }
        /* Rounding to milliseconds at both ends. */
        HOLDS(check, value.age_ms >= earliest - 2 && value.age_ms <= latest + 2,
              "a value that is %" PRId64 " to %" PRId64 " ms old has the age %" PRId64 " ms", earliest, latest,
              value.age_ms);
    }
    link_close(check, &link);
}

static void keeping(struct check *check) {
    struct link link = link_get(check);
    struct key brief = key_of(check, "brief"), prolonged = key_of(check, "prolonged"), settled = key_of(check, "settled");
    struct commit commit;
    struct listed listed;
    memset(&listed, 0, sizeof listed);
    commit_begin(&commit);
    commit_put(&commit, brief, "1", 1, 700);
    commit_put(&commit, prolonged, "2", 1, 700);
    commit_put(&commit, settled, "3", 1, 700);
    int64_t start = clock_ms();
    uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
    uint64_t version = commit.raw.version;
    commit_end(&commit);
    HOLDS(check, status == SCHEDHOST_STORE_DONE, "to put a key with keep_ms is %s: %s", status_name(status), failure(check));
    struct value value = get(check, &link, brief, NULL, USUAL_MS);
    HOLDS(check, value.status == SCHEDHOST_STORE_DONE || clock_ms() - start >= 700,
          "a key to be kept for 700 ms is gone after %" PRId64, clock_ms() - start);
    commit_begin(&commit);
    commit_put(&commit, prolonged, "2", 1, 60000);
    commit_put(&commit, settled, "3", 1, 0);
    status = commit_send(check, &link, &commit, USUAL_MS);
    commit_end(&commit);
    HOLDS(check, status == SCHEDHOST_STORE_DONE, "to put a key anew with another keep_ms is %s", status_name(status));
    sleep_for_ms(2500);
    HOLDS(check, has_text(check, &link, prolonged, "2"), "a key whose time was prolonged is forgotten at its first time");
    HOLDS(check, has_text(check, &link, settled, "3"), "a key that was put anew without keep_ms is forgotten");
    value = get(check, &link, brief, NULL, USUAL_MS);
    HOLDS(check, list(check, &link, "brief", NULL, 10, &listed, USUAL_MS), "list returned an error");
    HOLDS(check, (listed.count == 1) == (value.status == SCHEDHOST_STORE_DONE),
          "a key that is past its keep_ms is %s when it is read, and the list has %zu of it", status_name(value.status),
          listed.count);
    listed_end(&listed);
    if (value.status == SCHEDHOST_STORE_ABSENT) {
        uint64_t later = 0;
        status = put_if(check, &link, brief, version, "old", NULL);
        HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition on what was forgotten holds: %s", status_name(status));
        status = put_if(check, &link, brief, 0, "new", &later);
        HOLDS(check, status == SCHEDHOST_STORE_DONE && later > version,
              "a key that was forgotten is made anew as %s with the version %" PRIu64 " after %" PRIu64, status_name(status),
              later, version);
    }
    link_close(check, &link);
}

/* Caches write many such keys: each commit makes more of them than a store may want to look after in one. */
static void keeping_many(struct check *check) {
    struct link link = link_get(check);
    struct listed listed;
    struct key keys[24];
    memset(&listed, 0, sizeof listed);
    for (size_t round = 0; round < 40; round++) {
        struct commit commit;
        commit_begin(&commit);
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            keys[i] = key_of(check, "brief/%zu-%zu", round, i);
            commit_put(&commit, keys[i], "1", 1, 20);
        }
        uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
        commit_end(&commit);
        HOLDS(check, status == SCHEDHOST_STORE_DONE, "to put %zu keys with keep_ms is %s: %s", sizeof keys / sizeof keys[0],
              status_name(status), failure(check));
        sleep_for_ms(5);
    }
    sleep_for_ms(100);
    for (size_t i = 0; i < 8; i++) { /* whoever adds such a key may be who looks after the others */
        struct commit commit;
        commit_begin(&commit);
        commit_put(&commit, key_of(check, "brief/last-%zu", i), "1", 1, 60000);
        uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
        commit_end(&commit);
        HOLDS(check, status == SCHEDHOST_STORE_DONE, "to put a key with keep_ms after others is %s", status_name(status));
    }
    HOLDS(check, list(check, &link, "brief/last-", NULL, 100, &listed, USUAL_MS), "list returned an error: %s", failure(check));
    HOLDS(check, listed.count == 8, "of 8 keys whose time is not over, list tells %zu", listed.count);
    listed_end(&listed);
    link_close(check, &link);
}

const struct check_entry value_checks[] = {{"open", opening}, {"values", values},     {"keys", keys},
                                           {"batches", batches}, {"ages", ages}, {"keep", keeping},
                                           {"keep-many", keeping_many},
                                           {NULL, NULL}};

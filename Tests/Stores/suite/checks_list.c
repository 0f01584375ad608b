/* Lists in the order of bytes, page by page, and watching. */
#include <pthread.h>

#include "check.h"

static int by_bytes(const void *a, const void *b) {
    const struct key *one = a, *two = b;
    size_t least = one->size < two->size ? one->size : two->size;
    int order = memcmp(one->text, two->text, least);
    return order != 0 ? order : (one->size > two->size) - (one->size < two->size);
}

/* Puts keys of all characters, in no order, and gives them in the order of their bytes. */
static size_t fill(struct check *check, struct link *link, struct key *keys, size_t count) {
    static const char alphabet[] = "#%-./059AMZ_aemz";
    uint64_t random = 42;
    for (size_t i = 0; i < count; i++) {
        char text[16];
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t size = 1 + (size_t)(random >> 33) % 6;
        for (size_t at = 0; at < size; at++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[at] = alphabet[(random >> 33) % (sizeof alphabet - 1)];
        }
        text[size] = '\0';
        keys[i] = key_of(check, "in/%s", text);
        put(check, link, keys[i], keys[i].text);
    }
    qsort(keys, count, sizeof *keys, by_bytes);
    size_t kept = 0; /* without those that came twice */
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_bytes(&keys[kept - 1], &keys[i]) != 0) {
            keys[kept++] = keys[i];
        }
    }
    return kept;
}

static void order(struct check *check) {
    static struct key keys[120];
    struct link link = link_get(check);
    struct listed listed;
    size_t count = fill(check, &link, keys, sizeof keys / sizeof keys[0]);
    memset(&listed, 0, sizeof listed);
    /* Neighbours that do not begin with the prefix. */
    put(check, &link, key_of(check, "in"), "x");
    put(check, &link, key_of(check, "in."), "x");
    put(check, &link, key_of(check, "in0"), "x");
    put(check, &link, key_of(check, "im/z"), "x");
    HOLDS(check, list(check, &link, "in/", NULL, 1000, &listed, USUAL_MS), "list returned an error: %s", failure(check));
    HOLDS(check, listed.count == count, "list told %zu of %zu keys", listed.count, count);
    for (size_t i = 0; i < count; i++) {
        HOLDS(check, by_bytes(&listed.keys[i], &keys[i]) == 0,
              "list tells '%s' where by the order of bytes '%s' comes", listed.keys[i].text, keys[i].text);
        struct value value = get(check, &link, keys[i], NULL, USUAL_MS);
        HOLDS(check, value.version == listed.versions[i], "list tells another version than read");
    }
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += keys[i].size;
    }
    HOLDS(check, listed.bytes == bytes, "list tells %zu bytes of values, and there are %zu", listed.bytes, bytes);
    listed_end(&listed);
    for (size_t i = 0; i < count; i += 2) {
        erase(check, &link, keys[i]);
    }
    HOLDS(check, list(check, &link, "in/", NULL, 1000, &listed, USUAL_MS), "list returned an error: %s", failure(check));
    HOLDS(check, listed.count == count / 2, "of %zu keys half were deleted, and list tells %zu", count, listed.count);
    listed_end(&listed);
    HOLDS(check, list(check, &link, "none/", NULL, 10, &listed, USUAL_MS) && listed.count == 0,
          "a list of a prefix that no key has is not empty");
    listed_end(&listed);
    link_close(check, &link);
}

static void paging(struct check *check) {
    static struct key keys[90];
    struct link link = link_get(check);
    size_t count = fill(check, &link, keys, sizeof keys / sizeof keys[0]);
    const size_t limits[] = {1, 7, count, count + 1};
    put(check, &link, key_of(check, "zz"), "after all of them");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct listed listed;
        size_t page;
        memset(&listed, 0, sizeof listed);
        do {
            struct key after = listed.count > 0 ? listed.keys[listed.count - 1] : keys[0];
            page = listed.count;
            HOLDS(check, list(check, &link, "in/", listed.count > 0 ? &after : NULL, limits[i], &listed, USUAL_MS),
                  "list returned an error: %s", failure(check));
            page = listed.count - page;
            HOLDS(check, page == limits[i] || listed.count == count,
                  "a page of at most %zu keys has %zu, and there are more: it would be taken for the last one", limits[i],
                  page);
        } while (page == limits[i]);
        HOLDS(check, listed.count == count, "in pages of %zu, list tells %zu of %zu keys", limits[i], listed.count, count);
        for (size_t at = 0; at < count; at++) {
            HOLDS(check, by_bytes(&listed.keys[at], &keys[at]) == 0, "in pages of %zu, '%s' comes in place of '%s'",
                  limits[i], listed.keys[at].text, keys[at].text);
        }
        listed_end(&listed);
    }
    struct listed listed;
    struct key between = keys[10]; /* a key that there is not, right after one that there is */
    memset(&listed, 0, sizeof listed);
    between.text[between.size++] = '#';
    between.text[between.size] = '\0';
    HOLDS(check, list(check, &link, "in/", &between, 1, &listed, USUAL_MS) && listed.count == 1,
          "list after a key that there is not returned nothing");
    HOLDS(check, by_bytes(&listed.keys[0], &between) > 0, "list tells '%s' after '%s'", listed.keys[0].text, between.text);
    listed_end(&listed);
    listed.stop_after = 3;
    HOLDS(check, list(check, &link, "in/", NULL, 50, &listed, USUAL_MS),
          "list returned an error where `each` wanted no more: %s", failure(check));
    HOLDS(check, listed.count == 3, "list told %zu keys where `each` wanted no more after three", listed.count);
    HOLDS(check, has_text(check, &link, keys[0], keys[0].text), "after a list that `each` has ended the link is of no use");
    listed_end(&listed);
    link_close(check, &link);
}

/* ---- watching ---- */

struct watcher {
    struct check check;
    struct link link;
    int seen;    /* of the keys that are watched */
    int foreign; /* of others */
    pthread_mutex_t lock;
    bool over;
};

static void take_change(void *user, const void *key, size_t key_size) {
    struct watcher *watcher = user;
    struct key prefix = key_of(&watcher->check, "in/");
    bool is_ours = key_size >= prefix.size && memcmp(key, prefix.text, prefix.size) == 0;
    (void)pthread_mutex_lock(&watcher->lock);
    watcher->seen += is_ours;
    watcher->foreign += !is_ours;
    (void)pthread_mutex_unlock(&watcher->lock);
}

static bool is_over(struct watcher *watcher) {
    (void)pthread_mutex_lock(&watcher->lock);
    bool over = watcher->over;
    (void)pthread_mutex_unlock(&watcher->lock);
    return over;
}

static void *watch_on(void *user) {
    struct watcher *watcher = user;
    struct check *check = &watcher->check;
    struct key prefix = key_of(check, "in/");
    while (!is_over(watcher) && check->sentence[0] == '\0') {
        int64_t start = clock_ms();
        int32_t code = check->store->watch(watcher->link.raw, prefix.text, prefix.size, take_change, watcher, SHORT_MS);
        in_time(check, "watch", start, SHORT_MS);
        if (code != SCHEDHOST_OK) {
            fault(check, "watch returned the error %" PRId32 ": %s", code, failure(check));
        }
    }
    return NULL;
}

static void watching(struct check *check) {
    static struct watcher watcher;
    pthread_t thread;
    if (!SCHEDHOST_HAS(schedhost_store, check->store, watch) || check->store->watch == NULL) {
        check->left_out = true;
        (void)snprintf(check->sentence, sizeof check->sentence, "this store does not watch");
        return;
    }
    struct link link = link_get(check);
    watcher = (struct watcher){.check = *check, .link = link_get(check)};
    (void)pthread_mutex_init(&watcher.lock, NULL);
    HOLDS(check, pthread_create(&thread, NULL, watch_on, &watcher) == 0, "a thread cannot be started");
    sleep_for_ms(200);
    int seen = 0;
    for (int i = 0; i < 40 && seen == 0; i++) { /* some may be missed, all may not */
        put(check, &link, key_of(check, "in/%d", i), "text");
        put(check, &link, key_of(check, "out/%d", i), "text");
        sleep_for_ms(50);
        (void)pthread_mutex_lock(&watcher.lock);
        seen = watcher.seen;
        (void)pthread_mutex_unlock(&watcher.lock);
    }
    (void)pthread_mutex_lock(&watcher.lock);
    watcher.over = true;
    (void)pthread_mutex_unlock(&watcher.lock);
    (void)pthread_join(thread, NULL);
    link_close(check, &watcher.link);
    link_close(check, &link);
    HOLDS(check, watcher.check.sentence[0] == '\0', "%s", watcher.check.sentence);
    HOLDS(check, seen > 0, "in 2 s of puts watch has told of none");
    HOLDS(check, watcher.foreign == 0, "watch tells of keys that do not begin with its prefix");
}

const struct check_entry list_checks[] = {{"list-order", order}, {"list-pages", paging}, {"watch", watching}, {NULL, NULL}};

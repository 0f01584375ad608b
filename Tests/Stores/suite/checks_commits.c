/* Compare and set: conditions, all or nothing, versions that grow, and no update that is lost. */
#include <pthread.h>

#include "check.h"

static void conditions(struct check *check) {
    struct link link = link_get(check);
    struct key key = key_of(check, "key");
    uint64_t first = 0, second = 0, third = 0;
    uint32_t status = put_if(check, &link, key, 7, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition on the version of an absent key is %s", status_name(status));
    HOLDS(check, get(check, &link, key, NULL, USUAL_MS).status == SCHEDHOST_STORE_ABSENT,
          "a commit that is CHANGED has written");
    status = put_if(check, &link, key, 0, "first", &first);
    HOLDS(check, status == SCHEDHOST_STORE_DONE, "a condition that a key be absent, which it is, is %s: %s",
          status_name(status), failure(check));
    status = put_if(check, &link, key, 0, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition that a key be absent, which it is not, is %s",
          status_name(status));
    status = put_if(check, &link, key, first + 1, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition on a version that is still to come is %s",
          status_name(status));
    HOLDS(check, has_text(check, &link, key, "first"), "a commit that is CHANGED has written");
    status = put_if(check, &link, key, first, "second", &second);
    HOLDS(check, status == SCHEDHOST_STORE_DONE && second > first,
          "a condition on the right version is %s, and gives %" PRIu64 " after %" PRIu64, status_name(status), second, first);
    status = put_if(check, &link, key, first, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition on the version before is %s", status_name(status));
    erase(check, &link, key);
    HOLDS(check, get(check, &link, key, NULL, USUAL_MS).status == SCHEDHOST_STORE_ABSENT, "a key that was deleted is there");
    status = put_if(check, &link, key, second, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a condition on the version of a key that was deleted is %s",
          status_name(status));
    erase(check, &link, key); /* that it is not there is no error */
    status = put_if(check, &link, key, 0, "third", &third);
    HOLDS(check, status == SCHEDHOST_STORE_DONE && third > second,
          "a key that was deleted is made anew as %s with the version %" PRIu64 " after %" PRIu64, status_name(status), third,
          second);
    status = put_if(check, &link, key, second, "no", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_CHANGED && has_text(check, &link, key, "third"),
          "a condition on a version from before a key was deleted and made anew is %s", status_name(status));
    link_close(check, &link);
}

static void all_or_nothing(struct check *check) {
    struct link link = link_get(check);
    struct key a = key_of(check, "a"), b = key_of(check, "b"), c = key_of(check, "c"), guard = key_of(check, "guard");
    uint64_t version = put(check, &link, guard, "guard");
    uint64_t old = put(check, &link, c, "old");
    for (int round = 0; round < 4; round++) {
        struct commit commit;
        commit_begin(&commit);
        /* The one that does not hold is the first, the last, or of a key that is not written. */
        commit_if(&commit, a, round == 0 ? 99 : 0);
        commit_if(&commit, guard, round == 1 ? version + 1 : version);
        commit_if(&commit, c, round == 2 ? 0 : old);
        commit_put(&commit, a, "new", 3, 0);
        commit_put(&commit, b, "new", 3, 0);
        commit_delete(&commit, c);
        uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
        uint64_t done = commit.raw.version;
        commit_end(&commit);
        if (round < 3) {
            HOLDS(check, status == SCHEDHOST_STORE_CHANGED, "a commit of which one condition of three does not hold is %s",
                  status_name(status));
            HOLDS(check,
                  get(check, &link, a, NULL, USUAL_MS).version == 0 && get(check, &link, b, NULL, USUAL_MS).version == 0 &&
                      get(check, &link, c, NULL, USUAL_MS).version == old,
                  "a commit that is CHANGED has written some of its keys");
        } else {
            HOLDS(check, status == SCHEDHOST_STORE_DONE, "a commit all of whose conditions hold is %s: %s",
                  status_name(status), failure(check));
            HOLDS(check,
                  get(check, &link, a, NULL, USUAL_MS).version == done &&
                      get(check, &link, b, NULL, USUAL_MS).version == done &&
                      get(check, &link, c, NULL, USUAL_MS).version == 0 &&
                      get(check, &link, guard, NULL, USUAL_MS).version == version,
                  "not all keys that a commit has put have its version, or one that it has not has another one");
        }
    }
    link_close(check, &link);
}

static void versions(struct check *check) {
    struct link links[2] = {link_get(check), link_get(check)};
    uint64_t last = 0;
    for (int i = 0; i < 100; i++) {
        struct key key = key_of(check, "%d", i % 7);
        uint64_t version = 0;
        if (i % 5 == 4) {
            struct commit commit;
            commit_begin(&commit);
            commit_delete(&commit, key);
            uint32_t status = commit_send(check, &links[i % 2], &commit, USUAL_MS);
            version = commit.raw.version;
            commit_end(&commit);
            HOLDS(check, status == SCHEDHOST_STORE_DONE, "to delete a key is %s", status_name(status));
        } else {
            version = put(check, &links[i % 2], key, "text");
        }
        HOLDS(check, version > last,
              "versions do not grow over keys and links: %" PRIu64 " comes after %" PRIu64 ", and one might come twice",
              version, last);
        last = version;
    }
    link_close(check, &links[0]);
    link_close(check, &links[1]);
}

/* Several commits in one call, each of which sees what the one before has done. */
static void in_order(struct check *check) {
    struct link link = link_get(check);
    struct key key = key_of(check, "key"), other = key_of(check, "other");
    struct commit commits[5];
    for (size_t i = 0; i < 5; i++) {
        commit_begin(&commits[i]);
    }
    commit_if(&commits[0], key, 0);
    commit_put(&commits[0], key, "0", 1, 0);
    commit_if(&commits[1], key, 0); /* no longer */
    commit_put(&commits[1], other, "1", 1, 0);
    commit_delete(&commits[2], key);
    commit_if(&commits[3], key, 0); /* again */
    commit_put(&commits[3], key, "3", 1, 0);
    commit_put(&commits[4], key, "4", 1, 0);
    bool whole = commit_send_all(check, &link, commits, 5, USUAL_MS);
    uint32_t statuses[5];
    uint64_t last = 0;
    bool grow = true;
    for (size_t i = 0; i < 5; i++) {
        statuses[i] = commits[i].raw.status;
        if (statuses[i] == SCHEDHOST_STORE_DONE) {
            grow = grow && commits[i].raw.version > last;
            last = commits[i].raw.version;
        }
        commit_end(&commits[i]);
    }
    HOLDS(check, whole, "five commits in one call returned an error: %s", failure(check));
    for (size_t i = 0; i < 5; i++) {
        uint32_t right = i == 1 ? SCHEDHOST_STORE_CHANGED : SCHEDHOST_STORE_DONE;
        HOLDS(check, statuses[i] == right, "commit %zu of five in one call is %s, not %s: they are not done in order", i + 1,
              status_name(statuses[i]), status_name(right));
    }
    HOLDS(check, grow, "versions do not grow over the commits of one call");
    HOLDS(check, has_text(check, &link, key, "4"), "of two puts of a key in one call the first one stands");
    HOLDS(check, get(check, &link, other, NULL, USUAL_MS).version == 0, "a commit that is CHANGED has written");
    link_close(check, &link);
}

static void bounds(struct check *check) {
    struct link link = link_get(check);
    size_t condition_count = check->store->max_conditions, write_count = check->store->max_writes;
    if (condition_count > 2048) {
        condition_count = 2048;
    }
    if (write_count > 2048) {
        write_count = 2048;
    }
    struct key last = key_of(check, "c/%zu", condition_count - 1);
    for (int round = 0; round < 2; round++) {
        struct commit commit;
        uint64_t version = round == 0 ? 0 : put(check, &link, last, "in the way");
        HOLDS(check, round == 0 || version > 0, "a put gave no version");
        commit_begin(&commit);
        for (size_t i = 0; i < condition_count; i++) {
            commit_if(&commit, key_of(check, "c/%zu", i), 0);
        }
        for (size_t i = 0; i < write_count; i++) {
            commit_put(&commit, key_of(check, "w/%zu", i), round == 0 ? "0" : "1", 1, 0);
        }
        uint32_t status = commit_send(check, &link, &commit, USUAL_MS);
        commit_end(&commit);
        HOLDS(check, status == (round == 0 ? SCHEDHOST_STORE_DONE : SCHEDHOST_STORE_CHANGED),
              "a commit of %zu conditions and %zu writes, of which %d conditions do not hold, is %s: %s", condition_count,
              write_count, round, status_name(status), failure(check));
        HOLDS(check, has_text(check, &link, key_of(check, "w/%zu", write_count - 1), "0"),
              "the last of %zu writes was not done, or one was that should not be", write_count);
    }
    link_close(check, &link);
}

/* ---- eight who count one key up ---- */

enum { COUNTERS = 8, STEPS = 60 };

struct counter {
    struct check check; /* its own, since faults are noted in it */
    struct key key;
    uint64_t versions[STEPS];
    pthread_t thread;
    bool started;
};

static void *count_up(void *user) {
    struct counter *counter = user;
    struct link link = link_get(&counter->check);
    struct sink sink;
    int done = 0;
    sink_begin(&sink);
    for (int tries = 0; done < STEPS && counter->check.sentence[0] == '\0'; tries++) {
        struct value value = get(&counter->check, &link, counter->key, &sink, USUAL_MS);
        char text[32];
        long number = 0;
        if (value.status == SCHEDHOST_STORE_DONE && sink.size < sizeof text) {
            memcpy(text, sink.bytes, sink.size);
            text[sink.size] = '\0';
            number = strtol(text, NULL, 10);
        }
        (void)snprintf(text, sizeof text, "%ld", number + 1);
        uint32_t status = value.status == BROKEN ? BROKEN
                                                 : put_if(&counter->check, &link, counter->key, value.version, text,
                                                          &counter->versions[done]);
        if (status == SCHEDHOST_STORE_DONE) {
            done++;
        } else if (status != SCHEDHOST_STORE_CHANGED) {
            fault(&counter->check, "a commit of one of eight links at once is %s: %s", status_name(status),
                  failure(&counter->check));
        } else if (tries > 100 * COUNTERS * STEPS) {
            fault(&counter->check, "one of eight links gets nowhere: each of its commits is CHANGED");
        }
    }
    sink_end(&sink);
    link_close(&counter->check, &link);
    return NULL;
}

static void lost_updates(struct check *check) {
    static struct counter counters[COUNTERS];
    struct key key = key_of(check, "counter");
    char total[32];
    for (int i = 0; i < COUNTERS; i++) {
        memset(&counters[i], 0, sizeof counters[i]);
        counters[i].check = *check;
        counters[i].key = key;
        counters[i].started = pthread_create(&counters[i].thread, NULL, count_up, &counters[i]) == 0;
    }
    for (int i = 0; i < COUNTERS; i++) {
        if (counters[i].started) {
            (void)pthread_join(counters[i].thread, NULL);
        } else {
            fault(check, "a thread cannot be started");
        }
    }
    for (int i = 0; i < COUNTERS; i++) {
        HOLDS(check, counters[i].check.sentence[0] == '\0', "%s", counters[i].check.sentence);
        for (int step = 1; step < STEPS; step++) {
            HOLDS(check, counters[i].versions[step] > counters[i].versions[step - 1],
                  "the versions that one of eight links is given do not grow");
        }
    }
    struct link link = link_get(check);
    (void)snprintf(total, sizeof total, "%d", COUNTERS * STEPS);
    HOLDS(check, has_text(check, &link, key, total),
          "eight links have counted a key up to %s by compare and set, and it has another value: updates were lost", total);
    link_close(check, &link);
}

const struct check_entry commit_checks[] = {{"conditions", conditions}, {"all-or-nothing", all_or_nothing},
                                            {"versions", versions},     {"in-order", in_order},
                                            {"bounds", bounds},         {"lost-updates", lost_updates},
                                            {NULL, NULL}};

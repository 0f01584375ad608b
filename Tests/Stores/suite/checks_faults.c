/* Servers that stop, go, come back, and do not answer. */
#include "check.h"

/* The server as it was, whatever the check has found: the next one wants to begin. */
static void mend(struct check *check, const char *what) {
    if (!control(check, what)) {
        fault(check, "after '%s' nothing makes the server as it was", what);
    }
    struct link link = link_open_again(check);
    link_close(check, &link);
}

/* A broken link fails at once: a late answer is not taken for the next one's. */
static void stays_broken(struct check *check, struct link *link, struct key key) {
    int64_t start = clock_ms();
    struct value value = get(check, link, key, NULL, USUAL_MS);
    if (value.status != BROKEN) {
        fault(check, "a link that has returned an error answers the next read: with a late answer to the one before?");
    }
    if (clock_ms() - start > SLACK_MS) {
        fault(check, "a link that has returned an error takes %" PRId64 " ms for the next one", clock_ms() - start);
    }
    if (put_if(check, link, key, ANY, "no", NULL) != BROKEN) {
        fault(check, "a link that has returned an error commits");
    }
}

/* One commit whose answer will not come: it is UNKNOWN, and an error. */
static void put_in_vain(struct check *check, struct link *link, struct key key, uint64_t version, const char *text,
                        uint32_t timeout_ms) {
    struct commit commit;
    commit_begin(&commit);
    commit_if(&commit, key, version);
    commit_put(&commit, key, text, strlen(text), 0);
    uint32_t status = commit_send(check, link, &commit, timeout_ms);
    if (status != BROKEN) {
        fault(check, "a commit whose answer did not come is %s, and the link is said to be whole", status_name(status));
    } else if (commit.raw.status != SCHEDHOST_STORE_UNKNOWN) {
        fault(check, "a commit whose answer did not come is %s, not UNKNOWN", status_name(commit.raw.status));
    } else if (failure(check)[0] == '\0') {
        fault(check, "a commit returned an error and said nothing by schedhost_fail");
    }
    commit_end(&commit);
}

static void stopped_server(struct check *check, struct link *links, struct key key, uint64_t version) {
    struct listed listed;
    memset(&listed, 0, sizeof listed);
    HOLDS(check, get(check, &links[0], key, NULL, SHORT_MS).status == BROKEN, "a read of a server that is stopped returns");
    put_in_vain(check, &links[1], key, version, "new", SHORT_MS);
    HOLDS(check, !list(check, &links[2], "", NULL, 10, &listed, SHORT_MS), "a list of a server that is stopped returns");
    listed_end(&listed);
    stays_broken(check, &links[0], key);
    struct link other = link_open(check, SHORT_MS);
    if (other.raw != NULL) {
        link_close(check, &other);
        fault(check, "a link to a server that is stopped can be opened");
    }
}

static void stopped(struct check *check) {
    struct link links[3] = {link_get(check), link_get(check), link_get(check)};
    struct key key = key_of(check, "key");
    uint64_t version = put(check, &links[0], key, "old");
    HOLDS(check, version > 0, "a put gave no version");
    CONTROL(check, "stop");
    stopped_server(check, links, key, version);
    mend(check, "go");
    HOLDS(check, true, "nothing");
    stays_broken(check, &links[2], key); /* its answer is there by now */
    for (int i = 0; i < 3; i++) {
        link_close(check, &links[i]);
    }
    /* The commit was done, or it was not; what is certain is that it now stays so. */
    struct link link = link_get(check);
    struct value value = get(check, &link, key, NULL, USUAL_MS);
    HOLDS(check, has_text(check, &link, key, value.version == version ? "old" : "new"),
          "after an UNKNOWN commit the key has neither the old nor the new value");
    uint32_t status = put_if(check, &link, key, value.version, "newer", &version);
    HOLDS(check, status == SCHEDHOST_STORE_DONE, "after an UNKNOWN commit was read again, the next one is %s",
          status_name(status));
    sleep_for_ms(300);
    HOLDS(check, get(check, &link, key, NULL, USUAL_MS).version == version, "an UNKNOWN commit was done later");
    link_close(check, &link);
}

static void gone(struct check *check) {
    struct link link = link_get(check);
    struct key key = key_of(check, "key");
    char instance[sizeof link.instance];
    memcpy(instance, link.instance, sizeof instance);
    uint64_t version = put(check, &link, key, "text");
    HOLDS(check, version > 0, "a put gave no version");
    CONTROL(check, "down");
    if (get(check, &link, key, NULL, SHORT_MS).status != BROKEN) {
        fault(check, "a read of a server that is gone returns");
    }
    struct link other = link_open(check, SHORT_MS);
    if (other.raw != NULL) {
        link_close(check, &other);
        fault(check, "a link to a server that is gone can be opened");
    }
    mend(check, "up");
    HOLDS(check, true, "nothing");
    stays_broken(check, &link, key);
    link_close(check, &link);
    link = link_get(check);
    bool has = has_text(check, &link, key, "text");
    HOLDS(check, has || strcmp(instance, link.instance) != 0,
          "a commit that was acknowledged is gone after a restart, and the instance has the name that it had");
    HOLDS(check, has, "a server that is back with its data lacks what it has acknowledged");
    uint64_t later = put(check, &link, key, "later");
    HOLDS(check, later > version || strcmp(instance, link.instance) != 0,
          "after a restart versions begin anew, and the instance has the name that it had");
    link_close(check, &link);
}

static void wiped(struct check *check) {
    struct link link = link_get(check);
    struct key key = key_of(check, "key");
    char instance[sizeof link.instance];
    memcpy(instance, link.instance, sizeof instance);
    put(check, &link, key, "text");
    HOLDS(check, true, "nothing");
    link_close(check, &link);
    CONTROL(check, "down");
    if (!control(check, "wiped")) {
        mend(check, "up");
        leave_out(check, "wiped");
        return;
    }
    link = link_open_again(check);
    HOLDS(check, link.raw != NULL, "no link");
    HOLDS(check, get(check, &link, key, NULL, USUAL_MS).status == SCHEDHOST_STORE_ABSENT, "a wiped server has a key");
    HOLDS(check, strcmp(instance, link.instance) != 0,
          "a server that has lost everything has the instance that it had, '%s': hosts would not notice", instance);
    uint32_t status = put_if(check, &link, key, 0, "new", NULL);
    HOLDS(check, status == SCHEDHOST_STORE_DONE, "a server that was wiped does not commit: %s", status_name(status));
    link_close(check, &link);
}

/* Rounds of commits whose answer is lost (`cut`), or that do not arrive (`lost`): UNKNOWN, and done once or not at all. */
static void broken_rounds(struct check *check, const char *what, bool is_done) {
    struct key key = key_of(check, "key");
    uint64_t version = 0;
    for (int round = 0; round < 3; round++) {
        struct link link = link_get(check);
        char text[16];
        (void)snprintf(text, sizeof text, "%d", round);
        HOLDS(check, true, "nothing");
        CONTROL(check, what);
        put_in_vain(check, &link, key, version, text, 2000);
        stays_broken(check, &link, key);
        link_close(check, &link);
        (void)control(check, "pass");
        link = link_open_again(check);
        HOLDS(check, true, "nothing");
        sleep_for_ms(100); /* somebody who sends it again has done so by now */
        struct value value = get(check, &link, key, NULL, USUAL_MS);
        if (is_done) {
            HOLDS(check, has_text(check, &link, key, text), "a commit whose answer was lost, and which was done, is not there");
            version = value.version;
            HOLDS(check, put_if(check, &link, key, version, text, &version) == SCHEDHOST_STORE_DONE,
                  "a commit after one whose answer was lost is not done");
        } else {
            HOLDS(check, value.version == version,
                  "a commit that did not arrive, and is UNKNOWN, was done: it was sent again");
        }
        link_close(check, &link);
    }
}
static void answer_lost(struct check *check) { broken_rounds(check, "cut", true); }
static void request_lost(struct check *check) { broken_rounds(check, "lost", false); }

/* An answer of which a byte comes now and then: the timeout is for the whole call. */
static void trickle(struct check *check) {
    struct link link = link_get(check);
    struct link committing = link_get(check);
    struct key key = key_of(check, "key");
    static char text[60001];
    memset(text, 'x', sizeof text - 1);
    uint64_t version = put(check, &link, key, text);
    HOLDS(check, version > 0, "a put gave no version");
    CONTROL(check, "drip");
    struct sink sink;
    sink_begin(&sink);
    if (get(check, &link, key, &sink, SHORT_MS).status != BROKEN) {
        fault(check, "a value of 60 000 bytes came at a byte in 20 ms within 400 ms");
    }
    sink_end(&sink);
    put_in_vain(check, &committing, key, version, "new", 60);
    mend(check, "pass");
    link_close(check, &link);
    link_close(check, &committing);
}

const struct check_entry fault_checks[] = {{"server-stopped", stopped},  {"server-gone", gone},
                                           {"server-wiped", wiped},      {"answer-lost", answer_lost},
                                           {"request-lost", request_lost}, {"answer-trickles", trickle},
                                           {NULL, NULL}};

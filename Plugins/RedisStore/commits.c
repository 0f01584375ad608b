/* Commits: one script each, so that conditions and writes are one step, and all of a call in one round trip. */
#include <stdio.h>
#include <stdlib.h>

#include "redis_store.h"

/* Longer than that Redis cannot count. */
#define LONGEST_KEEP_MS UINT64_C(3153600000000)

static void ask_commit(schedhost_store_link *link, bool by_name, const schedhost_store_commit *commit) {
    struct wire *wire = &link->wire;
    char channel[TAG_BYTES + 16];
    size_t conditions = 0, writes = 0;
    while (commit->conditions[conditions] != NULL) {
        conditions++;
    }
    while (commit->writes[writes] != NULL) {
        writes++;
    }
    wire_request(wire, 3 + 3 + conditions + writes + 3 + conditions + 3 * writes);
    wire_text(wire, by_name ? "EVALSHA" : "EVAL");
    wire_text(wire, by_name ? link->commit_sha : commit_script);
    wire_number(wire, 3 + conditions + writes);
    /* No key of a host has a colon. */
    key_argument(link, ":version", 8);
    key_argument(link, ":names", 6);
    key_argument(link, ":ends", 5);
    for (size_t i = 0; i < conditions; i++) {
        key_argument(link, commit->conditions[i]->key, commit->conditions[i]->key_size);
    }
    for (size_t i = 0; i < writes; i++) {
        key_argument(link, commit->writes[i]->key, commit->writes[i]->key_size);
    }
    wire_number(wire, conditions);
    wire_argument(wire, link->tag, link->tag_size);
    (void)snprintf(channel, sizeof channel, "%schanged", link->tag);
    wire_text(wire, channel);
    for (size_t i = 0; i < conditions; i++) {
        char version[20] = "";
        if (commit->conditions[i]->version != 0) {
            (void)snprintf(version, sizeof version, "%016" PRIx64, commit->conditions[i]->version);
        }
        wire_text(wire, version);
    }
    for (size_t i = 0; i < writes; i++) {
        const schedhost_store_write *write = commit->writes[i];
        wire_text(wire, (write->flags & SCHEDHOST_STORE_DELETE) != 0 ? "d" : "p");
        wire_argument(wire, write->bytes, write->size);
        wire_number(wire, write->keep_ms < LONGEST_KEEP_MS ? write->keep_ms : 0);
    }
}

/* Whether the server says so before anything of a script is done, or at its first write; `stays` whether the connection is
 * good for the next one. Older servers put the word behind the script's place. */
static bool is_certain_no(const char *text, bool *stays) {
    static const struct {
        const char *word;
        bool stays;
    } words[] = {{"OOM", true},       {"NOREPLICAS", true}, {"MISCONF", true},    {"BUSY", true},     {"READONLY", false},
                 {"LOADING", false}, {"MASTERDOWN", false}, {"CLUSTERDOWN", false}, {"MOVED", false}, {"ASK", false},
                 {"NOAUTH", false}, {"TRYAGAIN", false}, {"CROSSSLOT", false}};
    const char *inner = strstr(text, ": -");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i].word);
        if ((strncmp(text, words[i].word, size) == 0 && text[size] == ' ') ||
            (inner != NULL && strncmp(inner + 3, words[i].word, size) == 0)) {
            *stays = words[i].stays;
            return true;
        }
    }
    return false;
}

/* Takes the answer to one commit. Text is in wire.text where it is none of DONE and CHANGED; false when the link is of no
 * use any more. */
static bool take_answer(schedhost_store_link *link, schedhost_store_commit *commit, const redisReply *reply) {
    bool stays = false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1) {
        commit->status = SCHEDHOST_STORE_CHANGED;
        return true;
    }
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[1]->type == REDIS_REPLY_STRING &&
        reply->element[2]->type == REDIS_REPLY_STRING) {
        commit->status = SCHEDHOST_STORE_DONE;
        commit->version = strtoull(reply->element[1]->str, NULL, 10);
        commit->now_ms = strtoll(reply->element[2]->str, NULL, 10);
        return true;
    }
    bool is_error = reply->type == REDIS_REPLY_ERROR;
    /* An error in the middle of a script takes nothing back: unless it is a certain no, nobody knows. */
    commit->status = is_error && is_certain_no(reply->str, &stays) ? SCHEDHOST_STORE_REFUSED : SCHEDHOST_STORE_UNKNOWN;
    (void)snprintf(link->wire.text, sizeof link->wire.text, "%s: %s", link->wire.peer,
                   is_error ? reply->str : "an answer of another type");
    (void)schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s", link->wire.text);
    return stays;
}

/* Receives the answers to those that were sent; those that the server has no script for are noted. */
static bool take_answers(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count, bool by_name,
                         bool *again, int64_t deadline) {
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        if (!by_name && !again[i]) {
            continue;
        }
        redisReply *reply = wire_receive(&link->wire, deadline);
        if (reply == NULL) {
            return false;
        }
        again[i] = by_name && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
        good = (again[i] || take_answer(link, commits[i], reply)) && good;
        freeReplyObject(reply);
    }
    return good;
}

/* Waits until enough replicas have what was done; what was not told so may be lost with this server. */
static bool await_replicas(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                           int64_t deadline) {
    struct wire *wire = &link->wire;
    int64_t left = (deadline - clock_ms()) * 3 / 4; /* the rest is for the answer's way */
    redisReply *reply = NULL;
    wire_request(wire, 3);
    wire_text(wire, "WAIT");
    wire_number(wire, link->replicas);
    wire_number(wire, left > 1 ? (uint64_t)left : 1);
    reply = wire_send(wire, deadline) ? wire_receive(wire, deadline) : NULL;
    bool have = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer >= (long long)link->replicas;
    for (size_t i = 0; i < count && !have; i++) {
        if (commits[i]->status == SCHEDHOST_STORE_DONE) {
            commits[i]->status = SCHEDHOST_STORE_UNKNOWN;
        }
    }
    if (!have && reply != NULL) {
        (void)schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s: fewer than %" PRIu32 " replicas have the commit", wire->peer,
                             link->replicas);
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return reply != NULL;
}

static bool any_done(schedhost_store_commit *const *commits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (commits[i]->status == SCHEDHOST_STORE_DONE) {
            return true;
        }
    }
    return false;
}

int32_t commit_all(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                   uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    bool few[64] = {false};
    bool *again = count <= sizeof few / sizeof few[0] ? few : calloc(count, sizeof *again);
    bool good = !link->broken && !link->watching && again != NULL;
    for (size_t i = 0; good && i < count; i++) {
        ask_commit(link, true, commits[i]);
    }
    good = good && wire_send(&link->wire, deadline) && take_answers(link, commits, count, true, again, deadline);
    /* A script that the server does not have was not begun: only so is a commit sent twice. */
    bool any_again = false;
    for (size_t i = 0; good && i < count; i++) {
        if (again[i]) {
            ask_commit(link, false, commits[i]);
            any_again = true;
        }
    }
    if (any_again) {
        good = wire_send(&link->wire, deadline) && take_answers(link, commits, count, false, again, deadline);
    }
    if (good && link->replicas > 0 && any_done(commits, count)) {
        good = await_replicas(link, commits, count, deadline);
    }
    if (again != few) {
        free(again);
    }
    return good ? SCHEDHOST_OK : link_broken(link);
}

/* Commits: a transaction each. Revisions of etcd are the versions: each transaction that writes has the next one. */
#include <stdio.h>
#include <string.h>

#include "etcd_store.h"

/* What gRPC calls the errors after which nothing was done: a wrong argument, no such lease, no rights, no room, a range, not
 * allowed now, and nobody known. All others, a time-out of the server's among them, leave it open. */
static bool is_certain_no(unsigned code) {
    return code == 3 || code == 5 || code == 7 || code == 8 || code == 9 || code == 11 || code == 16;
}

/* The longest time for which a write of the commit is to be kept; 0: none has one. */
static uint64_t keep_of(const schedhost_store_commit *commit) {
    uint64_t keep_ms = 0;
    for (size_t i = 0; commit->writes[i] != NULL; i++) {
        keep_ms = commit->writes[i]->keep_ms > keep_ms ? commit->writes[i]->keep_ms : keep_ms;
    }
    return keep_ms;
}

/* Has a lease that lasts longer than that from now on. One is taken for several commits: it lasts an eighth longer than what it
 * keeps, and is no longer used when that is over. False when it cannot be had, and nothing was sent of the commit. */
static bool lease_for(schedhost_store_link *link, uint64_t keep_ms, int64_t deadline, unsigned *code) {
    int64_t now = clock_ms();
    *code = 0;
    keep_ms = keep_ms > UINT64_C(3153600000000) ? UINT64_C(3153600000000) : keep_ms;
    if (link->lease != 0 && now < link->lease_until && link->lease_keep_ms >= keep_ms && link->lease_keep_ms / 2 <= keep_ms) {
        return true;
    }
    buffer_text(&link->request, "{\"TTL\":");
    buffer_number(&link->request, (keep_ms + keep_ms / 8 + 10999) / 1000);
    buffer_text(&link->request, "}");
    link->lease = 0;
    if (!http_post(link, "/v3/lease/grant", deadline, code) || *code != 0) {
        return false;
    }
    link->lease = json_number(json_member((struct json){link->answer.bytes, link->answer.bytes + link->answer.size}, "ID"));
    link->lease_keep_ms = keep_ms;
    link->lease_until = now + (int64_t)(keep_ms / 8);
    return link->lease != 0 || link_trouble(link, "%s gives no lease", link->endpoint);
}

static void ask_commit(schedhost_store_link *link, const schedhost_store_commit *commit) {
    struct buffer *request = &link->request;
    char version[PREFIX_BYTES + 16];
    buffer_text(request, "{\"compare\":[");
    for (size_t i = 0; commit->conditions[i] != NULL; i++) {
        buffer_text(request, i > 0 ? "," : "");
        buffer_text(request, "{\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":");
        buffer_number(request, commit->conditions[i]->version);
        buffer_text(request, ",\"key\":");
        key_base64(link, commit->conditions[i]->key, commit->conditions[i]->key_size);
        buffer_text(request, "}");
    }
    /* A key that is always put: to delete what is not there makes no revision. */
    (void)snprintf(version, sizeof version, "%.*s:version", (int)link->prefix_size - 1, link->prefix);
    buffer_text(request, "],\"success\":[{\"request_put\":{\"key\":");
    buffer_base64(request, version, strlen(version));
    buffer_text(request, "}}");
    for (size_t i = 0; commit->writes[i] != NULL; i++) {
        const schedhost_store_write *write = commit->writes[i];
        if ((write->flags & SCHEDHOST_STORE_DELETE) != 0) {
            buffer_text(request, ",{\"request_delete_range\":{\"key\":");
            key_base64(link, write->key, write->key_size);
        } else {
            buffer_text(request, ",{\"request_put\":{\"key\":");
            key_base64(link, write->key, write->key_size);
            buffer_text(request, ",\"value\":");
            buffer_base64(request, write->bytes, write->size);
            if (write->keep_ms > 0) {
                buffer_text(request, ",\"lease\":");
                buffer_number(request, link->lease);
            }
        }
        buffer_text(request, "}}");
    }
    buffer_text(request, "]}");
}

/* One commit; false when the link is of no use any more. */
static bool commit_one(schedhost_store_link *link, schedhost_store_commit *commit, int64_t deadline) {
    uint64_t keep_ms = keep_of(commit);
    unsigned code = 0;
    for (int try = 0; try < 2; try++) {
        if (keep_ms > 0 && !lease_for(link, keep_ms, deadline, &code)) {
            commit->status = code != 0 ? SCHEDHOST_STORE_REFUSED : SCHEDHOST_STORE_UNKNOWN;
            return false;
        }
        ask_commit(link, commit);
        if (!http_post(link, "/v3/kv/txn", deadline, &code)) {
            return false; /* it is UNKNOWN, as it was before */
        }
        if (code != 5 || keep_ms == 0) {
            break;
        }
        link->lease = 0; /* it is no longer there, and nothing was done */
    }
    if (code != 0) {
        commit->status = is_certain_no(code) ? SCHEDHOST_STORE_REFUSED : SCHEDHOST_STORE_UNKNOWN;
        (void)schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s", link->text);
        return is_certain_no(code) && code != 7 && code != 16; /* a new link logs in again */
    }
    struct json answer = {link->answer.bytes, link->answer.bytes + link->answer.size};
    uint64_t revision = json_number(json_member(json_member(answer, "header"), "revision"));
    if (revision == 0) {
        return link_trouble(link, "%s: an answer has no revision", link->endpoint);
    }
    commit->status = SCHEDHOST_STORE_CHANGED;
    if (json_is_true(json_member(answer, "succeeded"))) {
        commit->status = SCHEDHOST_STORE_DONE;
        commit->version = revision;
        commit->now_ms = -1;
    }
    return true;
}

int32_t commit_all(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                   uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    for (size_t i = 0; i < count; i++) {
        if (link->broken || link->watching || !commit_one(link, commits[i], deadline)) {
            return link_broken(link);
        }
    }
    return SCHEDHOST_OK;
}

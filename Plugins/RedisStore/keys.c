/* Reading: keys by name, keys in order, and keys that change. */
#include <stdio.h>
#include <stdlib.h>

#include "redis_store.h"

bool head_read(const char *bytes, size_t size, uint64_t *version, int64_t *written_ms) {
    uint64_t number = 0;
    int64_t ms = 0;
    if (size < HEAD_BYTES || bytes[16] != ' ' || bytes[HEAD_BYTES - 1] != ' ') {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        char c = bytes[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        number = number << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    for (size_t i = 17; i < HEAD_BYTES - 1; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            return false;
        }
        ms = ms * 10 + (bytes[i] - '0');
    }
    *version = number;
    *written_ms = ms;
    return number > 0;
}

void key_argument(schedhost_store_link *link, const void *key, size_t size) {
    char whole[KEY_BYTES];
    if (size > SCHEDHOST_STORE_MAX_KEY) {
        size = SCHEDHOST_STORE_MAX_KEY; /* the host gives none */
    }
    memcpy(whole, link->tag, link->tag_size);
    memcpy(whole + link->tag_size, key, size);
    wire_argument(&link->wire, whole, link->tag_size + size);
}

/* What a call on a link that cannot go on returns. */
static bool usable(schedhost_store_link *link) {
    if (!link->broken && link->watching) {
        (void)snprintf(link->wire.text, sizeof link->wire.text, "a link that watches does nothing else");
    }
    return !link->broken && !link->watching;
}

/* Ends a call with an error that the server told: of the whole connection, not of one key. */
static int32_t told(schedhost_store_link *link, const redisReply *reply) {
    (void)snprintf(link->wire.text, sizeof link->wire.text, "%s: %s", link->wire.peer,
                   reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another type");
    return link_broken(link);
}

/* The time of TIME in ms, or -1. */
static int64_t time_of(const redisReply *reply) {
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING) {
        return -1;
    }
    return strtoll(reply->element[0]->str, NULL, 10) * 1000 + strtoll(reply->element[1]->str, NULL, 10) / 1000;
}

/* The age of what was written then; at least 0, also where the server's clock was set back. */
static int64_t age(int64_t now_ms, int64_t written_ms) { return now_ms > written_ms ? now_ms - written_ms : 0; }

/* ---- read ---- */

/* Takes the reply for one key; false when it is an error of the connection. `age_ms` is the time of its commit so far. */
static bool take_value(schedhost_store_link *link, schedhost_store_read *read, const redisReply *reply) {
    read->version = 0;
    read->age_ms = -1;
    if (reply->type == REDIS_REPLY_NIL || (reply->type == REDIS_REPLY_STRING && reply->len == 0)) {
        read->status = SCHEDHOST_STORE_ABSENT;
        return true;
    }
    bool is_foreign = reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0;
    if (reply->type != REDIS_REPLY_STRING && !is_foreign) {
        return false;
    }
    if (is_foreign || !head_read(reply->str, reply->len, &read->version, &read->age_ms)) {
        read->status = SCHEDHOST_STORE_REFUSED;
        (void)schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "the key %s%.*s has what no store has written", link->tag,
                             (int)read->key_size, (const char *)read->key);
        return true;
    }
    read->status = SCHEDHOST_STORE_DONE;
    if (read->writer != NULL && schedhost_write(read->writer, reply->str + HEAD_BYTES, reply->len - HEAD_BYTES) != SCHEDHOST_OK) {
        read->status = SCHEDHOST_STORE_REFUSED;
        (void)schedhost_fail(link->scheduler, SCHEDHOST_TOO_LARGE, "the host does not take the value");
    }
    return true;
}

int32_t read_keys(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    struct wire *wire = &link->wire;
    redisReply *reply;
    if (!usable(link)) {
        return link_broken(link);
    }
    for (size_t i = 0; i < count; i++) {
        wire_request(wire, reads[i]->writer != NULL ? 2 : 4);
        wire_text(wire, reads[i]->writer != NULL ? "GET" : "GETRANGE");
        key_argument(link, reads[i]->key, reads[i]->key_size);
        if (reads[i]->writer == NULL) {
            wire_number(wire, 0);
            wire_number(wire, HEAD_BYTES - 1);
        }
    }
    wire_request(wire, 1); /* after the values: an age is never too small */
    wire_text(wire, "TIME");
    if (!wire_send(wire, deadline)) {
        return link_broken(link);
    }
    for (size_t i = 0; i < count; i++) {
        reply = wire_receive(wire, deadline);
        if (reply == NULL) {
            return link_broken(link);
        }
        if (!take_value(link, reads[i], reply)) {
            int32_t code = told(link, reply);
            freeReplyObject(reply);
            return code;
        }
        freeReplyObject(reply);
    }
    reply = wire_receive(wire, deadline);
    if (reply == NULL) {
        return link_broken(link);
    }
    int64_t now_ms = time_of(reply);
    freeReplyObject(reply);
    for (size_t i = 0; i < count; i++) {
        if (reads[i]->status == SCHEDHOST_STORE_DONE) {
            reads[i]->age_ms = now_ms >= 0 ? age(now_ms, reads[i]->age_ms) : -1;
        }
    }
    return SCHEDHOST_OK;
}

/* ---- list ---- */

/* What is still to be told of a list. */
struct span {
    const void *prefix;
    size_t prefix_size;
    char after[SCHEDHOST_STORE_MAX_KEY];
    size_t after_size;
    size_t limit;
};

/* The end of an interval of ZRANGEBYLEX, as an argument: a mark, and the name. */
static void bound(struct wire *wire, char mark, const void *name, size_t size, const char *more) {
    char text[SCHEDHOST_STORE_MAX_KEY + 8];
    size = size > SCHEDHOST_STORE_MAX_KEY ? SCHEDHOST_STORE_MAX_KEY : size;
    text[0] = mark;
    if (size > 0) {
        memcpy(text + 1, name, size);
    }
    memcpy(text + 1 + size, more, strlen(more));
    wire_argument(wire, text, 1 + size + strlen(more));
}

static void ask_names(schedhost_store_link *link, const struct span *span) {
    struct wire *wire = &link->wire;
    size_t shorter = span->prefix_size < span->after_size ? span->prefix_size : span->after_size;
    int order = shorter > 0 ? memcmp(span->after, span->prefix, shorter) : 0;
    bool from_after = span->after_size > 0 && (order > 0 || (order == 0 && span->after_size >= span->prefix_size));
    wire_request(wire, 7);
    wire_text(wire, "ZRANGEBYLEX");
    key_argument(link, ":names", 6);
    if (from_after) {
        bound(wire, '(', span->after, span->after_size, "");
    } else if (span->prefix_size > 0) {
        bound(wire, '[', span->prefix, span->prefix_size, "");
    } else {
        wire_text(wire, "-");
    }
    if (span->prefix_size > 0) {
        bound(wire, '(', span->prefix, span->prefix_size, "\xff"); /* no character of a key */
    } else {
        wire_text(wire, "+");
    }
    wire_text(wire, "LIMIT");
    wire_number(wire, 0);
    wire_number(wire, span->limit);
}

/* Values of those names, and then the time: an age is never too small. */
static void ask_values(schedhost_store_link *link, const redisReply *names) {
    wire_request(&link->wire, 1 + names->elements);
    wire_text(&link->wire, "MGET");
    for (size_t i = 0; i < names->elements; i++) {
        key_argument(link, names->element[i]->str, names->element[i]->len);
    }
    wire_request(&link->wire, 1);
    wire_text(&link->wire, "TIME");
}

/* Takes the names without a value out of the index, if they still have none: an evicted key leaves its name behind for
 * ever. Whether that is done does not matter to this list. */
static bool forget(schedhost_store_link *link, const redisReply *names, const redisReply *values, size_t gone,
                   int64_t deadline) {
    struct wire *wire = &link->wire;
    wire_request(wire, 3 + 1 + gone + 1);
    wire_text(wire, "EVAL");
    wire_text(wire, forget_script);
    wire_number(wire, 1 + gone);
    key_argument(link, ":names", 6);
    for (size_t i = 0; i < names->elements; i++) {
        if (values->element[i]->type == REDIS_REPLY_NIL) {
            key_argument(link, names->element[i]->str, names->element[i]->len);
        }
    }
    wire_argument(wire, link->tag, link->tag_size);
    redisReply *reply = wire_send(wire, deadline) ? wire_receive(wire, deadline) : NULL;
    if (reply == NULL) {
        return false;
    }
    freeReplyObject(reply);
    return true;
}

static bool are_names(const redisReply *reply) {
    bool good = reply->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; good && i < reply->elements; i++) {
        good = reply->element[i]->type == REDIS_REPLY_STRING && reply->element[i]->len <= SCHEDHOST_STORE_MAX_KEY;
    }
    return good;
}

/* Tells the values that a store has written; nothing else counts, and nothing that a server answers beyond what it was
 * asked for. Returns how many have none at all, and notes in `ended` when `each` wants no more. */
static size_t tell(const redisReply *names, const redisReply *values, int64_t now_ms, struct span *span,
                   schedhost_store_each each, void *user, bool *ended) {
    size_t gone = 0;
    bool wanted = true;
    for (size_t i = 0; i < names->elements; i++) {
        const redisReply *name = names->element[i], *value = values->element[i];
        uint64_t version;
        int64_t written_ms;
        gone += value->type == REDIS_REPLY_NIL;
        if (!wanted || span->limit == 0 || value->type != REDIS_REPLY_STRING ||
            !head_read(value->str, value->len, &version, &written_ms)) {
            continue;
        }
        span->limit--;
        wanted = each(user, name->str, name->len, version, now_ms >= 0 ? age(now_ms, written_ms) : -1,
                      value->str + HEAD_BYTES, value->len - HEAD_BYTES) == 0;
    }
    *ended = *ended || !wanted;
    return gone;
}

/* Tells the next names and their values. `ended`: there are no more, or none are wanted. */
static int32_t list_some(schedhost_store_link *link, struct span *span, schedhost_store_each each, void *user, bool *ended,
                         int64_t deadline) {
    struct wire *wire = &link->wire;
    redisReply *names, *values = NULL, *time = NULL;
    size_t wanted = span->limit, gone;
    int32_t code = SCHEDHOST_OK;
    ask_names(link, span);
    names = wire_send(wire, deadline) ? wire_receive(wire, deadline) : NULL;
    if (names == NULL) {
        return link_broken(link);
    }
    if (!are_names(names)) {
        code = told(link, names);
        freeReplyObject(names);
        return code;
    }
    *ended = names->elements < wanted;
    if (names->elements == 0) {
        freeReplyObject(names);
        return code;
    }
    ask_values(link, names);
    values = wire_send(wire, deadline) ? wire_receive(wire, deadline) : NULL;
    time = values != NULL ? wire_receive(wire, deadline) : NULL;
    if (time == NULL) {
        code = link_broken(link);
    } else if (values->type != REDIS_REPLY_ARRAY || values->elements != names->elements) {
        code = told(link, values);
    } else {
        const redisReply *last = names->element[names->elements - 1];
        memcpy(span->after, last->str, last->len);
        span->after_size = last->len;
        gone = tell(names, values, time_of(time), span, each, user, ended);
        if (gone > 0 && !forget(link, names, values, gone, deadline)) {
            code = link_broken(link);
        }
    }
    freeReplyObject(names);
    if (values != NULL) {
        freeReplyObject(values);
    }
    if (time != NULL) {
        freeReplyObject(time);
    }
    return code;
}

/* No script: what a script reads costs the server several times as much, and this is asked by each host in each sixth of a
 * lease. A key that is there all the time has its name in the index all the time. */
int32_t list_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                  size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    struct span span = {.prefix = prefix, .prefix_size = prefix_size, .limit = limit};
    bool ended = false;
    int32_t code = SCHEDHOST_OK;
    if (!usable(link)) {
        return link_broken(link);
    }
    span.after_size = after_size < sizeof span.after ? after_size : sizeof span.after;
    if (span.after_size > 0) {
        memcpy(span.after, after, span.after_size);
    }
    while (code == SCHEDHOST_OK && !ended && span.limit > 0) {
        code = list_some(link, &span, each, user, &ended, deadline);
    }
    return code;
}

/* ---- watch ---- */

/* Takes one message of the channel, which is a key; whether it is one of those that are watched. All hosts have one channel: a
 * pattern of one's own would have to be allowed by its very text. */
static bool take_message(const redisReply *reply, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                         void *user) {
    const redisReply *name = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 ? reply->element[2] : NULL;
    if (name == NULL || name->type != REDIS_REPLY_STRING || name->len < prefix_size ||
        memcmp(name->str, prefix, prefix_size) != 0) {
        return false; /* the answer to SUBSCRIBE has a number there */
    }
    changed(user, name->str, name->len);
    return true;
}

int32_t watch_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                   void *user, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    struct wire *wire = &link->wire;
    bool any = false;
    if (link->broken) {
        return link_broken(link);
    }
    if (!link->watching) {
        char channel[TAG_BYTES + 16];
        (void)snprintf(channel, sizeof channel, "%schanged", link->tag);
        wire_request(wire, 2);
        wire_text(wire, "SUBSCRIBE");
        wire_text(wire, channel);
        if (!wire_send(wire, deadline)) {
            return link_broken(link);
        }
        link->watching = true;
    }
    for (;;) {
        /* When one has come, those that are there already, and no more. */
        int64_t now = clock_ms();
        redisReply *reply = wire_receive(wire, any ? now : deadline);
        if (reply == NULL) {
            return wire->late ? SCHEDHOST_OK : link_broken(link);
        }
        bool is_error = reply->type == REDIS_REPLY_ERROR;
        int32_t code = is_error ? told(link, reply) : SCHEDHOST_OK;
        any = take_message(reply, prefix, prefix_size, changed, user) || any;
        freeReplyObject(reply);
        if (is_error) {
            return code;
        }
    }
}

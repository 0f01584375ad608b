/* Reading: keys by name, and keys in order. etcd tells no times: ages are unknown. */
#include <stdlib.h>

#include "etcd_store.h"

void key_base64(schedhost_store_link *link, const void *key, size_t size) {
    char whole[PREFIX_BYTES + SCHEDHOST_STORE_MAX_KEY + 1];
    size = size > SCHEDHOST_STORE_MAX_KEY + 1 ? SCHEDHOST_STORE_MAX_KEY + 1 : size; /* the host gives none longer */
    memcpy(whole, link->prefix, link->prefix_size);
    if (size > 0) {
        memcpy(whole + link->prefix_size, key, size);
    }
    buffer_base64(&link->request, whole, link->prefix_size + size);
}

/* ---- read ---- */

/* Takes the answer for one key. */
static bool take_value(schedhost_store_link *link, schedhost_store_read *read, struct json response) {
    struct json found = json_first(json_member(json_member(response, "response_range"), "kvs"));
    size_t size = 0;
    read->status = SCHEDHOST_STORE_ABSENT;
    read->version = 0;
    read->age_ms = -1;
    if (found.at == NULL) {
        return true;
    }
    read->version = json_number(json_member(found, "mod_revision"));
    read->status = SCHEDHOST_STORE_DONE;
    if (read->writer == NULL) {
        return true;
    }
    unsigned char *bytes = json_bytes(json_member(found, "value"), &size);
    if (bytes == NULL) {
        return link_trouble(link, "%s: an answer has what is no base64", link->endpoint);
    }
    if (size > 0 && schedhost_write(read->writer, bytes, size) != SCHEDHOST_OK) {
        read->status = SCHEDHOST_STORE_REFUSED;
        (void)schedhost_fail(link->scheduler, SCHEDHOST_TOO_LARGE, "the host does not take the value");
    }
    free(bytes);
    return true;
}

/* So many keys as one transaction may have. A transaction that only reads is linearizable, and costs no consensus. */
static bool read_some(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, int64_t deadline) {
    struct buffer *request = &link->request;
    unsigned code;
    buffer_text(request, "{\"success\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_text(request, i > 0 ? ",{\"request_range\":{\"key\":" : "{\"request_range\":{\"key\":");
        key_base64(link, reads[i]->key, reads[i]->key_size);
        buffer_text(request, reads[i]->writer == NULL ? ",\"keys_only\":true}}" : "}}");
    }
    buffer_text(request, "]}");
    link->largest = VALUES_BYTES;
    if (!http_post(link, "/v3/kv/txn", deadline, &code) || code != 0) {
        return false;
    }
    struct json list = json_member((struct json){link->answer.bytes, link->answer.bytes + link->answer.size}, "responses");
    struct json response = json_first(list);
    for (size_t i = 0; i < count; i++, response = json_next(list, response)) {
        if (response.at == NULL) {
            return link_trouble(link, "%s: an answer has fewer values than were asked for", link->endpoint);
        }
        if (!take_value(link, reads[i], response)) {
            return false;
        }
    }
    return true;
}

int32_t read_keys(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < OPERATIONS ? count - done : OPERATIONS;
        if (link->broken || link->watching || !read_some(link, reads + done, some, deadline)) {
            return link_broken(link);
        }
        done += some;
    }
    return SCHEDHOST_OK;
}

/* ---- list ---- */

void range_request(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after, size_t after_size) {
    size_t shorter = prefix_size < after_size ? prefix_size : after_size;
    int order = shorter > 0 ? memcmp(after, prefix, shorter) : 0;
    char first[SCHEDHOST_STORE_MAX_KEY + 1], last[PREFIX_BYTES + SCHEDHOST_STORE_MAX_KEY];
    size_t last_size = link->prefix_size + prefix_size;
    buffer_text(&link->request, "\"key\":");
    if (after_size > 0 && after_size <= SCHEDHOST_STORE_MAX_KEY && (order > 0 || (order == 0 && after_size >= prefix_size))) {
        memcpy(first, after, after_size);
        first[after_size] = '\0'; /* the next key after it */
        key_base64(link, first, after_size + 1);
    } else {
        key_base64(link, prefix, prefix_size);
    }
    /* The first one that does not begin with the prefix: the same with a greater last byte, which no key's is at its most. */
    memcpy(last, link->prefix, link->prefix_size);
    if (prefix_size > 0) {
        memcpy(last + link->prefix_size, prefix, prefix_size);
    }
    last[last_size - 1]++;
    buffer_text(&link->request, ",\"range_end\":");
    buffer_base64(&link->request, last, last_size);
}

int32_t list_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                  size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    unsigned code;
    if (link->broken || link->watching) {
        return link_broken(link);
    }
    buffer_text(&link->request, "{");
    range_request(link, prefix, prefix_size, after, after_size);
    buffer_text(&link->request, ",\"limit\":");
    buffer_number(&link->request, limit);
    buffer_text(&link->request, "}");
    link->largest = VALUES_BYTES;
    if (!http_post(link, "/v3/kv/range", deadline, &code) || code != 0) {
        return link_broken(link);
    }
    struct json list = json_member((struct json){link->answer.bytes, link->answer.bytes + link->answer.size}, "kvs");
    for (struct json found = json_first(list); found.at != NULL; found = json_next(list, found)) {
        size_t key_size, size;
        unsigned char *key = json_bytes(json_member(found, "key"), &key_size);
        unsigned char *bytes = json_bytes(json_member(found, "value"), &size);
        bool is_good = key != NULL && bytes != NULL && key_size > link->prefix_size;
        bool is_over = is_good && each(user, key + link->prefix_size, key_size - link->prefix_size,
                                       json_number(json_member(found, "mod_revision")), -1, bytes, size) != 0;
        free(key);
        free(bytes);
        if (!is_good) {
            (void)link_trouble(link, "%s: an answer has a key that was not asked for", link->endpoint);
            return link_broken(link);
        }
        if (is_over) {
            break;
        }
    }
    return SCHEDHOST_OK;
}

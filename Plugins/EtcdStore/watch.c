/* Watching: a request whose answer does not end, a line for each change. It goes on between two calls. */
#include <stdlib.h>

#include "etcd_store.h"

/* Sends the request, over a connection of its own: its server may be another one, and what it tells is a hint. */
static bool begin(schedhost_store_link *link, const void *prefix, size_t prefix_size) {
    link->multi = curl_multi_init();
    buffer_text(&link->request, "{\"create_request\":{");
    range_request(link, prefix, prefix_size, NULL, 0);
    buffer_text(&link->request, "}}");
    if (link->multi == NULL || !http_path(link, "/v3/watch")) {
        return link_trouble(link, "no memory");
    }
    link->open = false;
    (void)curl_easy_setopt(link->curl, CURLOPT_TIMEOUT_MS, 0L);
    link->watching = curl_multi_add_handle(link->multi, link->curl) == CURLM_OK;
    return link->watching || link_trouble(link, "libcurl takes no request");
}

/* Tells the keys of each whole line that has come, and drops it. How many there were, or -1 after an error of the server's. */
static int tell(schedhost_store_link *link, schedhost_store_changed changed, void *user) {
    struct buffer *answer = &link->answer;
    int told = 0;
    char *start = answer->bytes, *end;
    while (told >= 0 && answer->size > 0 &&
           (end = memchr(start, '\n', answer->size - (size_t)(start - answer->bytes))) != NULL) {
        struct json line = {start, end};
        struct json events = json_member(json_member(line, "result"), "events");
        if (json_member(line, "error").at != NULL) {
            (void)link_trouble(link, "%s ends the watch: %.200s", link->endpoint, start);
            told = -1;
        }
        for (struct json event = json_first(events); told >= 0 && event.at != NULL; event = json_next(events, event)) {
            size_t size;
            unsigned char *key = json_bytes(json_member(json_member(event, "kv"), "key"), &size);
            if (key != NULL && size > link->prefix_size) {
                changed(user, key + link->prefix_size, size - link->prefix_size);
                told++;
            }
            free(key);
        }
        start = end + 1;
    }
    if (answer->size > 0) {
        answer->size -= (size_t)(start - answer->bytes);
        memmove(answer->bytes, start, answer->size);
    }
    return told;
}

int32_t watch_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                   void *user, uint32_t timeout_ms) {
    int64_t deadline = clock_ms() + timeout_ms;
    if (link->broken || (!link->watching && !begin(link, prefix, prefix_size))) {
        return link_broken(link);
    }
    for (;;) {
        int running = 0;
        CURLMcode code = curl_multi_perform(link->multi, &running);
        int told = tell(link, changed, user);
        if (link->too_large || link->answer.size > ANSWER_BYTES) {
            (void)link_trouble(link, "%s sends more than %u MiB without an end of a line", link->endpoint, ANSWER_BYTES >> 20);
            return link_broken(link);
        }
        if (code != CURLM_OK || told < 0 || running == 0) {
            if (told >= 0) {
                (void)link_trouble(link, "%s has ended the watch: %.200s", link->endpoint, link->curl_text);
            }
            return link_broken(link);
        }
        int64_t left = deadline - clock_ms();
        if (told > 0 || left <= 0) {
            return SCHEDHOST_OK;
        }
        (void)curl_multi_poll(link->multi, NULL, 0, (int)left, NULL);
    }
}

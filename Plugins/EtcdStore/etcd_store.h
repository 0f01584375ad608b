/* The parts of EtcdStore. Private to this plugin. */
#ifndef ETCD_STORE_H
#define ETCD_STORE_H

#include <curl/curl.h>
#include <schedhost/store.h>
#include <stdbool.h>

#define TEXT_BYTES 512 /* of what went wrong */
/* What a server may answer at most (libcurl bounds the headers), so that it cannot fill the memory: values, of which OPERATIONS of
 * 1 MiB have 171 MiB in base64, and all else, a line of a watch too. */
#define VALUES_BYTES (256u << 20)
#define ANSWER_BYTES (16u << 20)
#define PREFIX_BYTES 64 /* of what all keys begin with */
#define OPERATIONS 128  /* of one transaction, as etcd bounds them unless it is told otherwise */

/* Now, in milliseconds of a clock that nobody sets; a deadline is such a time. */
int64_t clock_ms(void);

/* ---- json.c: what etcd's gateway speaks. Its texts are names, numbers and base64: none has an escape ---- */

/* A text that grows. */
struct buffer {
    char *bytes;
    size_t size;
    size_t capacity;
    bool exhausted; /* there was no memory */
};
void buffer_bytes(struct buffer *buffer, const void *bytes, size_t size);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_number(struct buffer *buffer, uint64_t number); /* in quotes, as 64 bits are written */
void buffer_base64(struct buffer *buffer, const void *bytes, size_t size); /* in quotes */

/* A value in a text: from its first byte to behind its last one; NULL: there is none. */
struct json {
    const char *at;
    const char *end;
};
/* The member of an object, or none. */
struct json json_member(struct json object, const char *name);
/* The first item of a list, and the one after an item of it; or none. */
struct json json_first(struct json list);
struct json json_next(struct json list, struct json item);
/* A number, in quotes or without; 0 when there is none. */
uint64_t json_number(struct json value);
bool json_is_true(struct json value);
/* A text without its quotes. */
struct json json_text(struct json value);
/* The bytes of a text in base64, to be freed; NULL when it is none. */
unsigned char *json_bytes(struct json value, size_t *size);

/* ---- link.c, http.c: one connection ---- */

struct schedhost_store_link {
    const schedhost_scheduler *scheduler;
    CURL *curl;
    struct curl_slist *headers;
    CURLM *multi;  /* for watching; else NULL */
    bool watching;
    bool open;     /* it has its connection: it gets no other one, whose server might be another */
    bool broken;
    size_t largest; /* the largest answer that is taken: VALUES_BYTES for the next one, or ANSWER_BYTES */
    bool too_large; /* the answer was given up for its size */
    char endpoint[256];
    char curl_text[CURL_ERROR_SIZE];
    char text[TEXT_BYTES];        /* what went wrong */
    char prefix[PREFIX_BYTES];    /* what all keys begin with */
    size_t prefix_size;
    struct buffer request;
    struct buffer answer;
    uint64_t lease; /* what is kept for a time is kept by it, until it is old; 0: none */
    uint64_t lease_keep_ms;
    int64_t lease_until;
};

int32_t link_open(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server, void *user);
void link_close(schedhost_store_link *link);
/* Notes that nothing more can be done with it, and why; gives the error. */
int32_t link_broken(schedhost_store_link *link);
/* Notes what went wrong; false. */
__attribute__((format(printf, 2, 3))) bool link_trouble(schedhost_store_link *link, const char *format, ...);

/* Makes the connection's settings; false without memory. */
bool http_begin(schedhost_store_link *link);
void http_end(schedhost_store_link *link);
/* Whom the next request asks: a path such as "/v3/kv/range". */
bool http_path(schedhost_store_link *link, const char *path);
/* Posts `request`, which is empty afterwards. `answer` has the answer's text, also of an error: then `code` is gRPC's number
 * for it, else 0. False when no answer came. */
bool http_post(schedhost_store_link *link, const char *path, int64_t deadline, unsigned *code);

/* ---- keys.c, commits.c, watch.c ---- */

/* Adds the whole key, in base64. */
void key_base64(schedhost_store_link *link, const void *key, size_t size);
int32_t read_keys(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, uint32_t timeout_ms);
int32_t list_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                  size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms);
/* Adds "key":…,"range_end":… for all keys that begin with a prefix and come after a key. */
void range_request(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after, size_t after_size);
int32_t commit_all(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                   uint32_t timeout_ms);
int32_t watch_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                   void *user, uint32_t timeout_ms);

#endif

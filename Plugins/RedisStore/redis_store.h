/* The parts of RedisStore. Private to this plugin. */
#ifndef REDIS_STORE_H
#define REDIS_STORE_H

#include <hiredis/hiredis.h>
#include <schedhost/store.h>
#include <stdbool.h>

#define TAG_BYTES 64   /* of what all keys begin with */
#define KEY_BYTES (TAG_BYTES + SCHEDHOST_STORE_MAX_KEY)
#define TEXT_BYTES 512 /* of what went wrong */

/* ---- wire.c: requests and replies, within a deadline ---- */

struct wire {
    int file; /* -1: closed */
    redisReader *reader;
    char *out; /* requests that were not sent yet */
    size_t size;
    size_t capacity;
    bool exhausted; /* there was no memory for a request */
    bool late;      /* a deadline has passed; else what went wrong is something else */
    char peer[300]; /* whom it is connected to, for people */
    char text[TEXT_BYTES]; /* what went wrong */
};

/* Now, in milliseconds of a clock that nobody sets; a deadline is such a time. */
int64_t clock_ms(void);

void wire_begin(struct wire *wire);
void wire_end(struct wire *wire);
/* Connects to `host:port`, `[address]:port`, or the path of a unix socket. */
bool wire_connect(struct wire *wire, const char *address, int64_t deadline);
/* Adds a request of so many arguments, and then each of them. */
void wire_request(struct wire *wire, size_t count);
void wire_argument(struct wire *wire, const void *bytes, size_t size);
void wire_text(struct wire *wire, const char *text);
void wire_number(struct wire *wire, uint64_t number);
/* Sends what was added. */
bool wire_send(struct wire *wire, int64_t deadline);
/* The next reply, to be freed by freeReplyObject; NULL when none came, or nothing that is a reply. */
redisReply *wire_receive(struct wire *wire, int64_t deadline);

/* ---- resolve.c: names of hosts, within a deadline ---- */

struct addrinfo;
/* The addresses of a host, to be freed by freeaddrinfo(3); NULL with `text` filled. */
struct addrinfo *resolve(const char *host, const char *port, int64_t deadline, char *text, size_t size);

/* ---- scripts.c ---- */

extern const char commit_script[];
extern const char forget_script[];

/* ---- link.c: one connection, from its opening to its end ---- */

struct schedhost_store_link {
    const schedhost_scheduler *scheduler;
    struct wire wire;
    bool broken;
    bool watching;       /* it has subscribed to the channel of all changes */
    uint32_t replicas;   /* that have to have a commit */
    char tag[TAG_BYTES]; /* what all keys begin with: in braces, so that a cluster keeps them in one slot */
    size_t tag_size;
    char commit_sha[48];
};

int32_t link_open(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server, void *user);
void link_close(schedhost_store_link *link);
/* Notes that nothing more can be done with it, and why; gives the error. */
int32_t link_broken(schedhost_store_link *link);

/* ---- server.c: whom it has at the other end ---- */

/* Asks the sentinels of `NAME@address,address` for their master: an address for wire_connect. */
bool sentinel_master(const char *sentinels, int64_t deadline, char *address, size_t size, char *text, size_t text_size);
/* Logs in, chooses the database, loads the scripts, and says which instance it is; false with wire.text filled. */
bool server_greet(schedhost_store_link *link, int64_t deadline, char *instance, size_t size);

/* ---- keys.c: reading ---- */

/* A key's value begins with its version in 16 hexadecimal digits and the time of its commit, ms since 1970, in 13. */
#define HEAD_BYTES 31
/* Takes the head of a value; false when it is not one of ours. */
bool head_read(const char *bytes, size_t size, uint64_t *version, int64_t *written_ms);
/* Adds the key with its tag as an argument. */
void key_argument(schedhost_store_link *link, const void *key, size_t size);
int32_t read_keys(schedhost_store_link *link, schedhost_store_read *const *reads, size_t count, uint32_t timeout_ms);
int32_t list_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, const void *after,
                  size_t after_size, size_t limit, schedhost_store_each each, void *user, uint32_t timeout_ms);
int32_t watch_keys(schedhost_store_link *link, const void *prefix, size_t prefix_size, schedhost_store_changed changed,
                   void *user, uint32_t timeout_ms);

/* ---- commits.c ---- */

int32_t commit_all(schedhost_store_link *link, schedhost_store_commit *const *commits, size_t count,
                   uint32_t timeout_ms);

#endif

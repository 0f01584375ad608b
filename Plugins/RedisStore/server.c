/* Whom a link has at its other end: sentinels that know a master, and a master that is fit to be a store. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../addresses.h"
#include "../password.h"
#include "redis_store.h"

/* Copies the value of `name:` in the answer of INFO; "" when it is not there. */
static void info_value(const char *info, const char *name, char *value, size_t size) {
    size_t length = strlen(name);
    value[0] = '\0';
    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            (void)snprintf(value, size, "%.*s", (int)strcspn(line + length + 1, "\r\n"), line + length + 1);
            return;
        }
    }
}

/* ---- sentinels ---- */

/* What one sentinel says; false with wire->text. */
static bool ask_sentinel(struct wire *wire, const char *sentinel, const char *name, int64_t deadline, char *address,
                         size_t size) {
    if (!wire_connect(wire, sentinel, deadline)) {
        return false;
    }
    wire_request(wire, 3);
    wire_text(wire, "SENTINEL");
    wire_text(wire, "get-master-addr-by-name");
    wire_text(wire, name);
    redisReply *reply = wire_send(wire, deadline) ? wire_receive(wire, deadline) : NULL;
    if (reply == NULL) {
        return false;
    }
    bool good = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[0]->type == REDIS_REPLY_STRING && reply->element[1]->type == REDIS_REPLY_STRING;
    if (good) {
        bool is_long = strchr(reply->element[0]->str, ':') != NULL;
        (void)snprintf(address, size, is_long ? "[%s]:%s" : "%s:%s", reply->element[0]->str, reply->element[1]->str);
    } else {
        (void)snprintf(wire->text, sizeof wire->text, "%.100s knows no master '%.100s'%s%.200s", sentinel, name,
                       reply->type == REDIS_REPLY_ERROR ? ": " : "", reply->type == REDIS_REPLY_ERROR ? reply->str : "");
    }
    freeReplyObject(reply);
    return good;
}

bool sentinel_master(const char *sentinels, int64_t deadline, char *address, size_t size, char *text, size_t text_size) {
    char name[256], fault[TEXT_BYTES - 64];
    const char *at = strchr(sentinels, '@');
    struct addresses list;
    if (at == NULL || at == sentinels || (size_t)(at - sentinels) >= sizeof name) {
        (void)snprintf(text, text_size, "parameter 'sentinel': '%.200s' is not NAME@host:port,host:port", sentinels);
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(at - sentinels), sentinels);
    if (!addresses_read(&list, at + 1, fault, sizeof fault)) {
        (void)snprintf(text, text_size, "parameter 'sentinel': %s", fault);
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct wire wire;
        int64_t now = clock_ms(); /* each has its share of the time */
        wire_begin(&wire);
        bool good =
            ask_sentinel(&wire, list.each[i], name, now + (deadline - now) / (int64_t)(list.count - i), address, size);
        (void)snprintf(text, text_size, "%s", wire.text);
        wire_end(&wire);
        if (good) {
            return true;
        }
    }
    return false;
}

/* ---- what is unwise about a server ---- */

/* The value of a setting in the answer of CONFIG GET, or NULL where it may not be asked. */
static const char *setting(const redisReply *reply) {
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 ? reply->element[1]->str : NULL;
}

/* Says once for each server what its settings may cost. */
static void warn(const schedhost_store_link *link, const char *instance, const char *replication,
                 redisReply *const *replies) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char warned[SCHEDHOST_STORE_MAX_INSTANCE + 1];
    const char *policy = setting(replies[0]), *appending = setting(replies[1]), *least = setting(replies[2]);
    char replicas[16];
    (void)pthread_mutex_lock(&lock);
    bool is_new = strcmp(warned, instance) != 0;
    (void)snprintf(warned, sizeof warned, "%s", instance);
    (void)pthread_mutex_unlock(&lock);
    if (!is_new) {
        return;
    }
    if (policy != NULL && strcmp(policy, "noeviction") != 0 && strncmp(policy, "volatile-", 9) != 0) {
        schedhost_warning(link->scheduler,
                          "%s: maxmemory-policy is %s, so that the server may throw away who runs what: set noeviction, or "
                          "volatile-ttl, which throws away cached values only",
                          link->wire.peer, policy);
    }
    if (appending != NULL && strcmp(appending, "yes") != 0) {
        schedhost_warning(link->scheduler,
                          "%s: appendonly is no: a restart of the server loses what was committed since its last snapshot, "
                          "and all hosts wait for one lease before anybody takes anything: set appendonly yes",
                          link->wire.peer);
    }
    info_value(replication, "connected_slaves", replicas, sizeof replicas);
    if (atoi(replicas) > 0 && link->replicas == 0 && least != NULL && strcmp(least, "0") == 0) {
        schedhost_warning(link->scheduler,
                          "%s: it has replicas, and min-replicas-to-write is 0: when it is cut off and one of them takes its "
                          "place, it goes on committing: set min-replicas-to-write 1 and min-replicas-max-lag",
                          link->wire.peer);
    }
}

/* ---- the greeting: all in one round trip ---- */

enum { LOGIN, SELECT, NAME, SERVER, REPLICATION, COMMIT_SCRIPT, POLICY, APPENDING, LEAST, GREETINGS };

static void ask_setting(struct wire *wire, const char *name) {
    wire_request(wire, 3);
    wire_text(wire, "CONFIG");
    wire_text(wire, "GET");
    wire_text(wire, name);
}

static void ask(struct wire *wire, const char *one, const char *two, const char *three) {
    wire_request(wire, three != NULL ? 3 : 2);
    wire_text(wire, one);
    wire_text(wire, two);
    if (three != NULL) {
        wire_text(wire, three);
    }
}

/* Whether a script was loaded, and its name. */
static bool take_sha(const redisReply *reply, char *sha, size_t size) {
    bool good = reply->type == REDIS_REPLY_STRING && reply->len < size;
    if (good) {
        memcpy(sha, reply->str, reply->len + 1);
    }
    return good;
}

/* Reads the answers of a server that is asked for the first time; false with text. */
static bool take_greeting(schedhost_store_link *link, redisReply *const *replies, char *instance, size_t size) {
    static const char *const asked[] = {"AUTH", "SELECT", "CLIENT SETNAME", "INFO server", "INFO replication",
                                        "SCRIPT LOAD"};
    char *text = link->wire.text;
    char role[32], run[64], history[64], master[256];
    for (size_t i = LOGIN; i <= COMMIT_SCRIPT; i++) {
        if (replies[i] != NULL && replies[i]->type == REDIS_REPLY_ERROR && i != NAME) {
            (void)snprintf(text, TEXT_BYTES, "%s: %s: %s", link->wire.peer, asked[i], replies[i]->str);
            return false;
        }
    }
    if (replies[SERVER]->type != REDIS_REPLY_STRING || replies[REPLICATION]->type != REDIS_REPLY_STRING ||
        !take_sha(replies[COMMIT_SCRIPT], link->commit_sha, sizeof link->commit_sha)) {
        (void)snprintf(text, TEXT_BYTES, "%s answers otherwise than Redis does", link->wire.peer);
        return false;
    }
    info_value(replies[SERVER]->str, "run_id", run, sizeof run);
    info_value(replies[REPLICATION]->str, "role", role, sizeof role);
    info_value(replies[REPLICATION]->str, "master_replid", history, sizeof history);
    if (strcmp(role, "master") != 0) {
        info_value(replies[REPLICATION]->str, "master_host", master, sizeof master);
        (void)snprintf(text, TEXT_BYTES, "%.200s is a replica of %.200s: name its master, or its sentinels", link->wire.peer, master);
        return false;
    }
    /* The process, and the history of what it holds: a replica that becomes the master begins a new one, also when it was
     * the master once. */
    (void)snprintf(instance, size, "%s/%s", run, history);
    warn(link, instance, replies[REPLICATION]->str, replies + POLICY);
    return true;
}

bool server_greet(schedhost_store_link *link, int64_t deadline, char *instance, size_t size) {
    const schedhost_scheduler *scheduler = link->scheduler;
    const char *user = schedhost_param_string(scheduler, "user", "");
    const char *password_file = schedhost_param_string(scheduler, "password_file", "");
    int64_t database = schedhost_param_int(scheduler, "database", 0);
    struct wire *wire = &link->wire;
    redisReply *replies[GREETINGS] = {NULL};
    char password[1024] = "", number[24];
    bool good = true;
    if (password_file[0] != '\0') {
        if (!password_read(password_file, password, sizeof password, wire->text, sizeof wire->text)) {
            return false;
        }
        ask(wire, "AUTH", user[0] != '\0' ? user : password, user[0] != '\0' ? password : NULL);
        explicit_bzero(password, sizeof password);
    }
    if (database != 0) {
        (void)snprintf(number, sizeof number, "%" PRId64, database);
        ask(wire, "SELECT", number, NULL);
    }
    ask(wire, "CLIENT", "SETNAME", "schedhost");
    ask(wire, "INFO", "server", NULL);
    ask(wire, "INFO", "replication", NULL);
    ask(wire, "SCRIPT", "LOAD", commit_script);
    ask_setting(wire, "maxmemory-policy");
    ask_setting(wire, "appendonly");
    ask_setting(wire, "min-replicas-to-write");
    good = wire_send(wire, deadline);
    for (size_t i = LOGIN; good && i < GREETINGS; i++) {
        if ((i != LOGIN || password_file[0] != '\0') && (i != SELECT || database != 0)) {
            replies[i] = wire_receive(wire, deadline);
            good = replies[i] != NULL;
        }
    }
    good = good && take_greeting(link, replies, instance, size);
    for (size_t i = LOGIN; i < GREETINGS; i++) {
        if (replies[i] != NULL) {
            freeReplyObject(replies[i]);
        }
    }
    return good;
}

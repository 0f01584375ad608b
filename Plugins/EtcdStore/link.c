/* One connection, from its opening to its end: endpoints, logging in, and which store it is. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "../addresses.h"
#include "../password.h"
#include "etcd_store.h"

int32_t link_broken(schedhost_store_link *link) {
    link->broken = true;
    return schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s", link->text);
}

void link_close(schedhost_store_link *link) {
    http_end(link);
    free(link);
}

/* Logs in by name and password; what it is given is in the headers from then on. */
static bool log_in(schedhost_store_link *link, const char *user, const char *password_file, int64_t deadline) {
    char password[1024] = "", header[1024];
    unsigned code;
    if (!password_read(password_file, password, sizeof password, link->text, sizeof link->text)) {
        return false;
    }
    if (strpbrk(password, "\"\\") != NULL || strpbrk(user, "\"\\") != NULL) {
        return link_trouble(link, "user and password may have no quotes and no backslash");
    }
    buffer_text(&link->request, "{\"name\":\"");
    buffer_text(&link->request, user);
    buffer_text(&link->request, "\",\"password\":\"");
    buffer_text(&link->request, password);
    buffer_text(&link->request, "\"}");
    explicit_bzero(password, sizeof password);
    if (!http_post(link, "/v3/auth/authenticate", deadline, &code) || code != 0) {
        return false;
    }
    struct json token =
        json_text(json_member((struct json){link->answer.bytes, link->answer.bytes + link->answer.size}, "token"));
    if (token.at == NULL || token.end - token.at > 900) {
        return link_trouble(link, "%s gives no token", link->endpoint);
    }
    (void)snprintf(header, sizeof header, "Authorization: %.*s", (int)(token.end - token.at), token.at);
    struct curl_slist *more = curl_slist_append(link->headers, header);
    link->headers = more != NULL ? more : link->headers;
    return true;
}

/* Finds the name that this store was given by whoever came first, or gives it one: a cluster that was made anew from the same
 * settings has the same id, but not this. */
static bool name_instance(schedhost_store_link *link, int64_t deadline, char *instance, size_t size) {
    unsigned char random[12];
    char key[PREFIX_BYTES + 16], name[32] = "";
    struct buffer *request = &link->request;
    unsigned code;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return link_trouble(link, "no random bytes");
    }
    for (size_t i = 0; i < sizeof random; i++) {
        (void)snprintf(name + 2 * i, 3, "%02x", random[i]);
    }
    (void)snprintf(key, sizeof key, "%.*s:instance", (int)link->prefix_size - 1, link->prefix);
    buffer_text(request, "{\"compare\":[{\"target\":\"CREATE\",\"result\":\"EQUAL\",\"create_revision\":\"0\",\"key\":");
    buffer_base64(request, key, strlen(key));
    buffer_text(request, "}],\"success\":[{\"request_put\":{\"key\":");
    buffer_base64(request, key, strlen(key));
    buffer_text(request, ",\"value\":");
    buffer_base64(request, name, strlen(name));
    buffer_text(request, "}}],\"failure\":[{\"request_range\":{\"key\":");
    buffer_base64(request, key, strlen(key));
    buffer_text(request, "}}]}");
    if (!http_post(link, "/v3/kv/txn", deadline, &code) || code != 0) {
        return false;
    }
    struct json answer = {link->answer.bytes, link->answer.bytes + link->answer.size};
    struct json cluster = json_text(json_member(json_member(answer, "header"), "cluster_id"));
    if (!json_is_true(json_member(answer, "succeeded"))) {
        struct json found = json_first(json_member(
            json_member(json_first(json_member(answer, "responses")), "response_range"), "kvs"));
        size_t found_size;
        unsigned char *bytes = json_bytes(json_member(found, "value"), &found_size);
        if (bytes == NULL || found_size == 0 || found_size >= sizeof name) {
            free(bytes);
            return link_trouble(link, "%s: the key %s has what no store has written", link->endpoint, key);
        }
        memcpy(name, bytes, found_size);
        name[found_size] = '\0';
        free(bytes);
    }
    (void)snprintf(instance, size, "%.*s/%s", cluster.at != NULL ? (int)(cluster.end - cluster.at) : 0,
                   cluster.at != NULL ? cluster.at : "", name);
    return true;
}

/* Whether the loss of one machine takes nothing: three voters at least. Who may not ask is told no. */
static bool is_strict(schedhost_store_link *link, int64_t deadline, bool *has) {
    size_t voters = 0;
    unsigned code;
    buffer_text(&link->request, "{}");
    if (!http_post(link, "/v3/cluster/member/list", deadline, &code)) {
        return false;
    }
    struct json members =
        json_member((struct json){link->answer.bytes, link->answer.bytes + link->answer.size}, "members");
    for (struct json each = json_first(members); code == 0 && each.at != NULL; each = json_next(members, each)) {
        voters += !json_is_true(json_member(each, "isLearner"));
    }
    *has = voters >= 3;
    return true;
}

/* Connects to one endpoint. */
static bool begin(schedhost_store_link *link, const char *endpoint, int64_t deadline, schedhost_store_server *server) {
    const schedhost_scheduler *scheduler = link->scheduler;
    const char *user = schedhost_param_string(scheduler, "user", "");
    const char *ca = schedhost_param_string(scheduler, "ca_file", "");
    const char *certificate = schedhost_param_string(scheduler, "cert_file", "");
    const char *key = schedhost_param_string(scheduler, "key_file", "");
    char instance[SCHEDHOST_STORE_MAX_INSTANCE + 1];
    bool strict = false;
    if (strlen(endpoint) >= sizeof link->endpoint) {
        return link_trouble(link, "parameter 'endpoints': '%.100s...' has over %zu bytes", endpoint, sizeof link->endpoint - 1);
    }
    (void)snprintf(link->endpoint, sizeof link->endpoint, "%s", endpoint);
    if (!http_begin(link)) {
        return false;
    }
    if (ca[0] != '\0') {
        (void)curl_easy_setopt(link->curl, CURLOPT_CAINFO, ca);
    }
    if (certificate[0] != '\0') {
        (void)curl_easy_setopt(link->curl, CURLOPT_SSLCERT, certificate);
        (void)curl_easy_setopt(link->curl, CURLOPT_SSLKEY, key[0] != '\0' ? key : certificate); /* one file may have both */
    }
    if (user[0] != '\0' && !log_in(link, user, schedhost_param_string(scheduler, "password_file", ""), deadline)) {
        return false;
    }
    link->open = user[0] != '\0'; /* then it has its connection already */
    if (!is_strict(link, deadline, &strict)) {
        return false;
    }
    link->open = true;
    if (!name_instance(link, deadline, instance, sizeof instance)) {
        return false;
    }
    server->flags = strict ? SCHEDHOST_STORE_STRICT : 0u;
    (void)schedhost_write(server->instance, instance, strlen(instance));
    return true;
}

static void begin_curl(void) { (void)curl_global_init(CURL_GLOBAL_DEFAULT); }

int32_t link_open(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server, void *user) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t deadline = clock_ms() + timeout_ms;
    const char *prefix = schedhost_param_string(scheduler, "prefix", "schedhost");
    char text[TEXT_BYTES] = "", fault[TEXT_BYTES - 64];
    struct addresses list;
    (void)user;
    (void)pthread_once(&once, begin_curl);
    if (prefix[0] == '\0' || strlen(prefix) > PREFIX_BYTES - 2) {
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter 'prefix': '%.200s' is not 1 to %d bytes", prefix,
                              PREFIX_BYTES - 2);
    }
    if (!addresses_read(&list, schedhost_param_string(scheduler, "endpoints", ""), fault, sizeof fault)) {
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter 'endpoints': %s", fault);
    }
    for (size_t i = 0; i < list.count; i++) {
        schedhost_store_link *link = calloc(1, sizeof *link);
        int64_t now = clock_ms(); /* each has its share of the time */
        if (link == NULL) {
            return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory");
        }
        link->scheduler = scheduler;
        (void)snprintf(link->prefix, sizeof link->prefix, "%s/", prefix);
        link->prefix_size = strlen(link->prefix);
        if (begin(link, list.each[i], now + (deadline - now) / (int64_t)(list.count - i), server)) {
            server->link = link;
            return SCHEDHOST_OK;
        }
        (void)snprintf(text, sizeof text, "%s", link->text);
        link_close(link);
    }
    return schedhost_fail(scheduler, SCHEDHOST_ERROR, "%s", text);
}

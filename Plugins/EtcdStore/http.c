/* Requests to etcd's gateway, by libcurl: it has TLS, and bounds the whole of a transfer, the look-up of names included.
 *
 * A link has one connection, and gets no other one: whoever answers there may be another server. That also keeps libcurl from
 * what it does by itself with a request whose connection breaks before an answer comes, which is to send it again. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "etcd_store.h"

int64_t clock_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool link_trouble(schedhost_store_link *link, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(link->text, sizeof link->text, format, arguments);
    va_end(arguments);
    return false;
}

static size_t take(char *bytes, size_t size, size_t count, void *user) {
    schedhost_store_link *link = user;
    link->too_large = link->too_large || size * count > link->largest - link->answer.size;
    if (link->too_large) {
        return 0;
    }
    buffer_bytes(&link->answer, bytes, size * count);
    return link->answer.exhausted ? 0 : size * count;
}

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
    const schedhost_store_link *link = user;
    (void)purpose;
    return link->open ? CURL_SOCKET_BAD
                      : socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

bool http_begin(schedhost_store_link *link) {
    link->largest = ANSWER_BYTES;
    link->curl = curl_easy_init();
    link->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (link->curl == NULL || link->headers == NULL) {
        return link_trouble(link, "no memory");
    }
    /* Without Expect: a large value is not announced first. */
    struct curl_slist *more = curl_slist_append(link->headers, "Expect:");
    link->headers = more != NULL ? more : link->headers;
    (void)curl_easy_setopt(link->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(link->curl, CURLOPT_TCP_NODELAY, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85; later the one before is deprecated */
    (void)curl_easy_setopt(link->curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl_easy_setopt(link->curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    (void)curl_easy_setopt(link->curl, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    (void)curl_easy_setopt(link->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(link->curl, CURLOPT_ERRORBUFFER, link->curl_text);
    (void)curl_easy_setopt(link->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(link->curl, CURLOPT_WRITEDATA, link);
    (void)curl_easy_setopt(link->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(link->curl, CURLOPT_OPENSOCKETDATA, link);
    return true;
}

void http_end(schedhost_store_link *link) {
    if (link->multi != NULL) {
        (void)curl_multi_remove_handle(link->multi, link->curl);
        (void)curl_multi_cleanup(link->multi);
    }
    if (link->curl != NULL) {
        curl_easy_cleanup(link->curl);
    }
    curl_slist_free_all(link->headers);
    free(link->request.bytes);
    free(link->answer.bytes);
}

bool http_path(schedhost_store_link *link, const char *path) {
    char url[320];
    if (link->request.exhausted) {
        return link_trouble(link, "no memory for a request");
    }
    (void)snprintf(url, sizeof url, "%s%s", link->endpoint, path);
    link->answer.size = 0;
    link->too_large = false;
    link->curl_text[0] = '\0';
    (void)curl_easy_setopt(link->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(link->curl, CURLOPT_HTTPHEADER, link->headers);
    (void)curl_easy_setopt(link->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)link->request.size);
    (void)curl_easy_setopt(link->curl, CURLOPT_POSTFIELDS, link->request.bytes);
    return true;
}

bool http_post(schedhost_store_link *link, const char *path, int64_t deadline, unsigned *code) {
    int64_t left = deadline - clock_ms();
    long status = 0;
    *code = 0;
    if (left <= 0) {
        link->request.size = 0;
        return link_trouble(link, "%s does not answer in time", link->endpoint);
    }
    if (!http_path(link, path)) {
        return false;
    }
    (void)curl_easy_setopt(link->curl, CURLOPT_TIMEOUT_MS, (long)left);
    (void)curl_easy_setopt(link->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)left);
    CURLcode result = curl_easy_perform(link->curl);
    size_t largest = link->largest;
    link->largest = ANSWER_BYTES;
    link->request.size = 0;
    if (link->too_large) {
        return link_trouble(link, "%s answers more than %zu MiB", link->endpoint, largest >> 20);
    }
    if (result != CURLE_OK) {
        return link_trouble(link, "%s: %.250s", link->endpoint,
                            link->curl_text[0] != '\0' ? link->curl_text : curl_easy_strerror(result));
    }
    (void)curl_easy_getinfo(link->curl, CURLINFO_RESPONSE_CODE, &status);
    struct json whole = {link->answer.bytes, link->answer.bytes + link->answer.size};
    if (status != 200) {
        struct json text = json_text(json_member(whole, "message"));
        *code = (unsigned)json_number(json_member(whole, "code"));
        *code = *code != 0 ? *code : 2; /* an answer that is not the gateway's: unknown, as gRPC calls it */
        (void)link_trouble(link, "%s: %.*s (HTTP %ld)", link->endpoint, text.at != NULL ? (int)(text.end - text.at) : 0,
                           text.at != NULL ? text.at : "", status);
        return true;
    }
    if (link->answer.size == 0 || link->answer.bytes[0] != '{') {
        return link_trouble(link, "%s does not answer as etcd does", link->endpoint);
    }
    return true;
}

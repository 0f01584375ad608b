/* Requests and replies over a socket that never blocks: each wait is for what is left of the whole call. hiredis reads the
 * replies; its own connections have a timeout for each read(2) only, and look up names without any. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "redis_store.h"

int64_t clock_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void wire_begin(struct wire *wire) {
    memset(wire, 0, sizeof *wire);
    wire->file = -1;
}

void wire_end(struct wire *wire) {
    if (wire->file >= 0) {
        (void)close(wire->file);
    }
    if (wire->reader != NULL) {
        redisReaderFree(wire->reader);
    }
    free(wire->out);
    wire->file = -1;
    wire->reader = NULL;
    wire->out = NULL;
}

__attribute__((format(printf, 2, 3))) static bool trouble(struct wire *wire, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(wire->text, sizeof wire->text, format, arguments);
    va_end(arguments);
    return false;
}

/* Waits until the socket is ready; false, with text, when it is not in time. */
static bool wait_for(struct wire *wire, short events, int64_t deadline) {
    struct pollfd polled = {.fd = wire->file, .events = events};
    wire->late = false;
    for (;;) {
        int64_t left = deadline - clock_ms();
        if (left <= 0) { /* also while something still trickles in */
            wire->late = true;
            return trouble(wire, "%s does not answer in time", wire->peer);
        }
        int ready = poll(&polled, 1, (int)left);
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return trouble(wire, "poll: %s", strerror(errno));
        }
    }
}

/* ---- connecting ---- */

/* Connects to one address, and owns the socket in any case. */
static bool dial(struct wire *wire, const struct sockaddr *address, socklen_t size, int64_t deadline) {
    int one = 1, number = 0;
    socklen_t number_size = sizeof number;
    if (wire->file >= 0) {
        (void)close(wire->file);
    }
    wire->file = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire->file < 0 && errno == EAFNOSUPPORT && address->sa_family == AF_UNIX) { /* what a sandbox makes of it */
        return trouble(wire, "%s: %s: set sandbox: { unix: [\"%s\"] }", wire->peer, strerror(errno), wire->peer);
    }
    if (wire->file < 0) {
        return trouble(wire, "socket: %s", strerror(errno));
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(wire->file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (connect(wire->file, address, size) != 0) {
        /* EAGAIN: the queue of a unix socket is full, and nobody tells when it no longer is. */
        if (errno != EINPROGRESS) {
            return trouble(wire, "%s: %s", wire->peer, strerror(errno));
        }
        if (!wait_for(wire, POLLOUT, deadline)) {
            return false;
        }
        if (getsockopt(wire->file, SOL_SOCKET, SO_ERROR, &number, &number_size) != 0 || number != 0) {
            return trouble(wire, "%s: %s", wire->peer, strerror(number));
        }
    }
    return true;
}

static bool dial_path(struct wire *wire, const char *path, int64_t deadline) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return trouble(wire, "%s: the path of a unix socket has at most %zu bytes", path, sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path));
    return dial(wire, (const struct sockaddr *)&address, sizeof address, deadline);
}

/* Whether it is a port: getaddrinfo(3) takes the rest by 65536 of what is none. */
static bool is_port(const char *text) {
    size_t size = strspn(text, "0123456789");
    long number = size > 0 && size <= 5 && text[size] == '\0' ? strtol(text, NULL, 10) : 0;
    return number >= 1 && number <= 65535;
}

bool wire_connect(struct wire *wire, const char *address, int64_t deadline) {
    char host[256];
    const char *colon = strrchr(address, ':');
    bool good = false;
    (void)snprintf(wire->peer, sizeof wire->peer, "%s", address);
    wire->reader = redisReaderCreate();
    if (wire->reader == NULL) {
        return trouble(wire, "no memory");
    }
    if (address[0] == '/') {
        return dial_path(wire, address, deadline);
    }
    if (strstr(address, "://") != NULL) {
        return trouble(wire, "'%s' is a URL: write host:port. TLS is not spoken: passwords and values cross the network in "
                             "clear", address);
    }
    size_t size = colon != NULL ? (size_t)(colon - address) : 0;
    bool bracketed = size > 2 && address[0] == '[' && address[size - 1] == ']';
    if (size == 0 || size >= sizeof host || colon[1] == '\0') {
        return trouble(wire, "'%s' is no address: host:port, [address]:port, or /path/of/a.sock", address);
    }
    if (!is_port(colon + 1)) {
        return trouble(wire, "'%s': the port is a number from 1 to 65535", address);
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)(bracketed ? size - 2 : size), address + bracketed);
    struct addrinfo *all = resolve(host, colon + 1, deadline, wire->text, sizeof wire->text);
    size_t count = 0;
    for (struct addrinfo *each = all; each != NULL; each = each->ai_next) {
        count++;
    }
    for (struct addrinfo *each = all; each != NULL && !good; each = each->ai_next, count--) {
        int64_t now = clock_ms(); /* one address that swallows all does not take the others' time */
        good = dial(wire, each->ai_addr, each->ai_addrlen, now + (deadline - now) / (int64_t)count);
    }
    if (all != NULL) {
        freeaddrinfo(all);
    }
    return good;
}

/* ---- requests ---- */

static void append(struct wire *wire, const void *bytes, size_t size) {
    if (wire->size + size > wire->capacity) {
        size_t capacity = (wire->size + size) * 2;
        char *grown = realloc(wire->out, capacity);
        if (grown == NULL) {
            wire->exhausted = true;
            return;
        }
        wire->out = grown;
        wire->capacity = capacity;
    }
    if (size > 0) {
        memcpy(wire->out + wire->size, bytes, size);
    }
    wire->size += size;
}

/* A line of a mark and a number. */
static void append_count(struct wire *wire, char mark, size_t count) {
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\n';
    digits[--at] = '\r';
    do {
        digits[--at] = (char)('0' + count % 10);
        count /= 10;
    } while (count > 0);
    digits[--at] = mark;
    append(wire, digits + at, sizeof digits - at);
}

void wire_request(struct wire *wire, size_t count) { append_count(wire, '*', count); }

void wire_argument(struct wire *wire, const void *bytes, size_t size) {
    append_count(wire, '$', size);
    append(wire, bytes, size);
    append(wire, "\r\n", 2);
}

void wire_text(struct wire *wire, const char *text) { wire_argument(wire, text, strlen(text)); }

void wire_number(struct wire *wire, uint64_t number) {
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, number);
    wire_text(wire, digits);
}

bool wire_send(struct wire *wire, int64_t deadline) {
    size_t sent = 0;
    if (wire->exhausted) {
        return trouble(wire, "no memory for a request");
    }
    while (sent < wire->size) {
        ssize_t some = send(wire->file, wire->out + sent, wire->size - sent, MSG_NOSIGNAL);
        if (some >= 0) {
            sent += (size_t)some;
        } else if (errno == EAGAIN) {
            if (!wait_for(wire, POLLOUT, deadline)) {
                return false;
            }
        } else if (errno != EINTR) {
            return trouble(wire, "%s: %s", wire->peer, strerror(errno));
        }
    }
    wire->size = 0;
    if (wire->capacity > 1048576) { /* of one large value nothing stays behind */
        free(wire->out);
        wire->out = NULL;
        wire->capacity = 0;
    }
    return true;
}

redisReply *wire_receive(struct wire *wire, int64_t deadline) {
    char bytes[65536];
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK) {
            (void)trouble(wire, "%s answers what is no reply: %s", wire->peer, wire->reader->errstr);
            return NULL;
        }
        if (reply != NULL) {
            return reply;
        }
        if (!wait_for(wire, POLLIN, deadline)) {
            return NULL;
        }
        ssize_t size = recv(wire->file, bytes, sizeof bytes, 0);
        if (size == 0) {
            (void)trouble(wire, "%s has ended the connection", wire->peer);
            return NULL;
        }
        if (size < 0 && errno != EAGAIN && errno != EINTR) {
            (void)trouble(wire, "%s: %s", wire->peer, strerror(errno));
            return NULL;
        }
        if (size > 0 && redisReaderFeed(wire->reader, bytes, (size_t)size) != REDIS_OK) {
            (void)trouble(wire, "no memory for a reply");
            return NULL;
        }
    }
}

/* A server that says what etcd's gateway says while a store opens a link, and that never ends an answer after that:
 *
 *     floodserver watch|answer
 *
 * What does not end: a line of a watch, or the answer to a transaction. It prints its port, and serves until it is
 * killed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool say(int peer, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(peer, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void flood(int peer) {
    static char block[65536];
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{";
    memset(block, ' ', sizeof block);
    for (bool goes = say(peer, head, strlen(head)); goes;) {
        goes = say(peer, block, sizeof block);
    }
}

static void answer(int peer, const char *text) {
    char whole[512];
    int size = snprintf(whole, sizeof whole, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
    (void)say(peer, whole, (size_t)size);
}

/* One connection: a request's head and content come in few pieces, and are small. */
static void serve(int peer, const char *mode) {
    char request[65536];
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(peer, request + size, sizeof request - 1 - size, 0);
        if (got <= 0) {
            return;
        }
        size += (size_t)got;
        request[size] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "Content-Length: ");
        if (end == NULL || length == NULL || size < (size_t)(end + 4 - request) + strtoul(length + 16, NULL, 10)) {
            continue;
        }
        bool is_watch = strncmp(request, "POST /v3/watch", 14) == 0;
        bool is_commit = strncmp(request, "POST /v3/kv/txn", 15) == 0;
        if ((is_watch && strcmp(mode, "watch") == 0) || (is_commit && strcmp(mode, "answer") == 0)) {
            flood(peer);
            return;
        }
        answer(peer, is_commit ? "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"1\"},\"succeeded\":true}" : "{}");
        size = 0;
    }
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (count != 2) {
        fprintf(stderr, "usage: floodserver watch|answer\n");
        return 64;
    }
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("floodserver");
        return 1;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer >= 0 && fork() == 0) {
            serve(peer, arguments[1]);
            _exit(0);
        }
        if (peer >= 0) {
            (void)close(peer);
        }
    }
}

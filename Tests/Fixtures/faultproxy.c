/* A proxy that makes a network bad, between a program and a server:
 *
 *     faultproxy PIPE TARGET      TARGET: a port of this machine, or the path of a unix socket
 *
 * It makes the named pipe, prints the port on which it listens at 127.0.0.1, and obeys a line of the pipe at once:
 *
 *     pass      all goes through, as at first; what was held back comes now
 *     hold      nothing goes through, and connections stay: a partition, or a server that is stopped
 *     hold-in   the same for what goes to the server only; `hold-out` for what comes from it
 *     reset     each connection is reset, and each new one
 *     delay MS  each piece waits so long
 *     throttle N  so many bytes a second go through, each way
 *     drip      answers go through one byte in 20 ms
 *     cut       the next piece of a connection goes through, and its answer resets it
 *     lost      the next piece of a connection resets it, and does not go through
 *     to TARGET from here on connections go there; what else goes wrong stays as it is
 *
 * What is held back is late, not lost, as with TCP: a commit may arrive when its sender has long given it up.
 * One thread, one piece of at most 64 KiB in each direction of a connection. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, PIECE = 65536 };
enum side { IN, OUT }; /* to the server, and from it */

/* What was read of one side and has to go to the other one. */
struct piece {
    unsigned char *bytes;
    size_t size, sent;
    int64_t due_ms;
};
struct connection {
    int ends[2]; /* ends[IN] is the program's, ends[OUT] the server's; -1 in both: free */
    struct piece pieces[2];
    bool cut; /* its next answer resets it */
};

static struct connection connections[CONNECTIONS];
static struct {
    bool hold[2], reset, cut, lost;
    size_t some[2]; /* so many bytes in 20 ms; 0: all */
    int64_t delay_ms;
} mode;
static char target[108]; /* a path of a socket is no longer */

static int64_t now_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "faultproxy: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Ends a connection: with `hard` so that both ends see a reset, not an end. */
static void end(struct connection *connection, bool hard) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    for (int side = IN; side <= OUT; side++) {
        if (hard) { /* a unix socket has no reset */
            (void)setsockopt(connection->ends[side], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        (void)close(connection->ends[side]);
        connection->ends[side] = -1;
        free(connection->pieces[side].bytes);
    }
    memset(connection->pieces, 0, sizeof connection->pieces);
    connection->cut = false;
}

static int dial(void) {
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(target)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_path = target[0] == '/';
    int one = 1, end = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(path.sun_path, sizeof path.sun_path, "%s", target);
    if (connect(end, is_path ? (struct sockaddr *)&path : (struct sockaddr *)&port, is_path ? sizeof path : sizeof port) != 0) {
        (void)close(end);
        return -1;
    }
    (void)setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(end, F_SETFL, O_NONBLOCK);
    return end;
}

static void take_connection(int listener) {
    int one = 1, program = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct connection *free_one = NULL;
    for (int i = 0; i < CONNECTIONS && free_one == NULL; i++) {
        free_one = connections[i].ends[IN] < 0 ? &connections[i] : NULL;
    }
    int server = free_one != NULL && !mode.reset ? dial() : -1;
    if (program < 0 || server < 0) {
        struct connection refused = {.ends = {program, server}};
        end(&refused, true);
        return;
    }
    (void)setsockopt(program, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    free_one->ends[IN] = program;
    free_one->ends[OUT] = server;
}

/* Reads a piece of one side, when it has gone on; obeys `cut` and `lost`. */
static void take_piece(struct connection *connection, enum side side) {
    struct piece *piece = &connection->pieces[side];
    piece->bytes = piece->bytes != NULL ? piece->bytes : malloc(PIECE);
    ssize_t size = recv(connection->ends[side], piece->bytes, PIECE, 0);
    if (size <= 0) {
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
            end(connection, size < 0);
        }
        return;
    }
    if ((side == IN && mode.lost) || (side == OUT && connection->cut)) {
        mode.lost = side == OUT && mode.lost;
        end(connection, true);
        return;
    }
    if (side == IN && mode.cut) {
        mode.cut = false;
        connection->cut = true;
    }
    *piece = (struct piece){piece->bytes, (size_t)size, 0, now_ms() + mode.delay_ms};
}

static void send_piece(struct connection *connection, enum side side) {
    struct piece *piece = &connection->pieces[side];
    size_t left = piece->size - piece->sent, most = mode.some[side];
    size_t some = most > 0 && most < left ? most : left;
    ssize_t sent = send(connection->ends[!side], piece->bytes + piece->sent, some, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        end(connection, true);
        return;
    }
    piece->sent += sent > 0 ? (size_t)sent : 0;
    piece->due_ms = now_ms() + (most > 0 ? 20 : 0);
    if (piece->sent == piece->size) {
        piece->size = piece->sent = 0;
    }
}

static void obey(char *line) {
    int64_t number = 0;
    char word[16] = "";
    (void)sscanf(line, "%15s %ld", word, &number);
    if (strcmp(word, "to") == 0) {
        (void)sscanf(line, "to %107s", target);
        return;
    }
    memset(&mode, 0, sizeof mode);
    mode.hold[IN] = strcmp(word, "hold") == 0 || strcmp(word, "hold-in") == 0;
    mode.hold[OUT] = strcmp(word, "hold") == 0 || strcmp(word, "hold-out") == 0;
    mode.reset = strcmp(word, "reset") == 0;
    mode.some[OUT] = strcmp(word, "drip") == 0 ? 1 : 0;
    if (strcmp(word, "throttle") == 0) {
        mode.some[IN] = mode.some[OUT] = (size_t)(number < 50 ? 1 : number / 50);
    }
    mode.cut = strcmp(word, "cut") == 0;
    mode.lost = strcmp(word, "lost") == 0;
    mode.delay_ms = strcmp(word, "delay") == 0 ? number : 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (mode.reset && connections[i].ends[IN] >= 0) {
            end(&connections[i], true);
        }
    }
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char line[256];
    if (count != 3) {
        fprintf(stderr, "usage: faultproxy PIPE TARGET\n");
        return 64;
    }
    (void)snprintf(target, sizeof target, "%s", arguments[2]);
    (void)signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        give_up("it cannot listen");
    }
    (void)mkfifo(arguments[1], 0600);
    int orders = open(arguments[1], O_RDWR | O_CLOEXEC | O_NONBLOCK); /* for writing too: it never ends */
    if (orders < 0) {
        give_up(arguments[1]);
    }
    memset(connections, -1, sizeof connections);
    for (int i = 0; i < CONNECTIONS; i++) {
        memset(connections[i].pieces, 0, sizeof connections[i].pieces);
        connections[i].cut = false;
    }
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    for (;;) {
        struct pollfd polled[2 + CONNECTIONS * 2];
        int64_t now = now_ms(), wait = -1;
        nfds_t used = 2;
        polled[0] = (struct pollfd){.fd = orders, .events = POLLIN};
        polled[1] = (struct pollfd){.fd = listener, .events = mode.hold[IN] && mode.hold[OUT] ? 0 : POLLIN};
        for (int i = 0; i < CONNECTIONS * 2; i++) {
            struct connection *connection = &connections[i / 2];
            const struct piece *piece = &connection->pieces[i % 2], *other = &connection->pieces[!(i % 2)];
            short events = piece->size == 0 && !mode.hold[i % 2] ? POLLIN : 0;
            if (other->size > 0 && !mode.hold[!(i % 2)]) { /* what came from the other end goes out at this one */
                int64_t left = other->due_ms - now;
                events = (short)(events | (left <= 0 ? POLLOUT : 0));
                wait = left > 0 && (wait < 0 || left < wait) ? left : wait;
            }
            polled[used++] = (struct pollfd){.fd = events != 0 ? connection->ends[i % 2] : -1, .events = events};
        }
        if (poll(polled, used, (int)wait) < 0 && errno != EINTR) {
            give_up("poll");
        }
        if ((polled[0].revents & POLLIN) != 0) { /* before anything that came after it */
            ssize_t some = read(orders, line, sizeof line - 1);
            line[some > 0 ? some : 0] = '\0';
            for (char *each = strtok(line, "\n"); each != NULL; each = strtok(NULL, "\n")) {
                obey(each);
            }
            continue;
        }
        if ((polled[1].revents & POLLIN) != 0) {
            take_connection(listener);
        }
        for (int i = 0; i < CONNECTIONS * 2; i++) {
            struct connection *connection = &connections[i / 2];
            if ((polled[2 + i].revents & POLLOUT) != 0 && connection->ends[IN] >= 0) {
                send_piece(connection, !(i % 2));
            }
            if ((polled[2 + i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && connection->ends[IN] >= 0 &&
                (polled[2 + i].events & POLLIN) != 0) {
                take_piece(connection, i % 2);
            }
        }
    }
}

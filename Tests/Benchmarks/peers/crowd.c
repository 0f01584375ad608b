/* crowd SOCKET CLIENTS: that many clients of a host's control socket in one process, until SIGTERM. Of 20 clients
 *
 *   5  ask for the status, read the answer and ask again
 *   5  ask without end and never read
 *   5  ask 20 times and read 100 bytes every 50 ms
 *   3  send what is no request, read the answer and go on
 *   2  send a request of 100 MB
 *
 * One that is dropped comes again at once. Stays on the last processor, so that another one is free. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum kind { ASKS, NEVER_READS, READS_SLOWLY, TALKS_NONSENSE, SENDS_MUCH };
struct client {
    int socket;
    enum kind kind;
    long sent;
    long next; /* ms */
};

static const char ask[] = "{\"v\":1,\"request\":\"status\"}\n";
static const char *const nonsense[] = {"{\n", "\x01\x02\n", "{\"v\":9}\n", "[[[[[[[[[[\n", "\n\n\n", "{\"v\":1}\n"};
static char much[1 << 20], many[1 << 16], buffer[1 << 16];
static size_t many_size;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int poller;
static volatile sig_atomic_t over;

static void end(int number) {
    (void)number;
    over = 1;
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(struct client *client, const char *text, size_t size) {
    if (send(client->socket, text, size, MSG_NOSIGNAL) < 0) {
        client->next = now(); /* full or gone: seen later */
    }
}

static void come(struct client *client) {
    if (client->socket >= 0) {
        close(client->socket);
    }
    client->sent = 0;
    client->next = now() + 5;
    client->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(client->socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(client->socket);
        client->socket = -1;
        return;
    }
    int writes = client->kind == NEVER_READS || client->kind == SENDS_MUCH;
    int reads = client->kind == ASKS || client->kind == TALKS_NONSENSE;
    struct epoll_event event = {
        .events = EPOLLRDHUP | (writes ? EPOLLOUT : 0) | (reads ? EPOLLIN : 0), .data.ptr = client};
    epoll_ctl(poller, EPOLL_CTL_ADD, client->socket, &event);
    if (client->kind == TALKS_NONSENSE) {
        say(client, nonsense[0], strlen(nonsense[0]));
    } else if (!writes) {
        for (int i = 0; i < (client->kind == ASKS ? 1 : 20); i++) {
            say(client, ask, sizeof ask - 1);
        }
    }
}

static void serve(struct client *client, uint32_t events) {
    static unsigned turn;
    ssize_t size;
    if (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) {
        come(client);
    } else if (client->kind == NEVER_READS) {
        say(client, many, many_size);
    } else if (client->kind == SENDS_MUCH) {
        if ((size = send(client->socket, much, sizeof much, MSG_NOSIGNAL)) > 0 && (client->sent += size) > 100L << 20) {
            come(client);
        }
    } else if ((size = recv(client->socket, buffer, sizeof buffer, 0)) == 0) {
        come(client);
    } else if (size > 0 && buffer[size - 1] == '\n') {
        const char *text = client->kind == ASKS ? ask : nonsense[turn++ % 6];
        say(client, text, strlen(text));
    }
}

static void wake(struct client *client, long time) {
    if (time < client->next || (client->socket >= 0 && client->kind != READS_SLOWLY)) {
        return;
    }
    if (client->socket < 0 || recv(client->socket, buffer, 100, 0) == 0) {
        come(client);
    }
    client->next = time + (client->socket < 0 ? 5 : 50);
}

int main(int count, char **words) {
    int clients = count == 3 ? atoi(words[2]) : 0;
    if (clients <= 0 || strlen(words[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: crowd SOCKET CLIENTS\n");
        return 64;
    }
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &processors);
    sched_setaffinity(0, sizeof processors, &processors);
    signal(SIGTERM, end);
    strcpy(address.sun_path, words[1]);
    memset(much, '[', sizeof much);
    for (; many_size + sizeof ask < sizeof many; many_size += sizeof ask - 1) {
        memcpy(many + many_size, ask, sizeof ask - 1);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct client *all = calloc((size_t)clients, sizeof *all);
    static const enum kind kinds[20] = {ASKS, ASKS, ASKS, ASKS, ASKS, NEVER_READS, NEVER_READS, NEVER_READS,
        NEVER_READS, NEVER_READS, READS_SLOWLY, READS_SLOWLY, READS_SLOWLY, READS_SLOWLY, READS_SLOWLY,
        TALKS_NONSENSE, TALKS_NONSENSE, TALKS_NONSENSE, SENDS_MUCH, SENDS_MUCH};
    for (int i = 0; i < clients; i++) {
        all[i] = (struct client){.socket = -1, .kind = kinds[i % 20]};
        come(&all[i]);
    }
    while (!over) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, 5);
        for (int i = 0; i < ready; i++) {
            serve(events[i].data.ptr, events[i].events);
        }
        long time = now();
        for (int i = 0; i < clients; i++) {
            wake(&all[i], time);
        }
    }
    return 0;
}

/* The least that reading 1 KiB from a Redis server costs: GET by hiredis, which blocks.   redis SOCKET [COUNT [relay]]
 * `relay`: it is asked of another process, by a pair of sockets, which asks the server: as whoever has no connection must. */
#include "common.h"
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* Answers each byte by the value. */
static int relay(const char *server, int asked) {
    redisContext *context = redisConnectUnix(server);
    char byte;
    if (context == NULL || context->err != 0) {
        return 1;
    }
    while (recv(asked, &byte, 1, 0) == 1) {
        redisReply *reply = redisCommand(context, "GET limit");
        if (reply == NULL || send(asked, reply->str, reply->len, MSG_NOSIGNAL) != (ssize_t)reply->len) {
            return 1;
        }
        freeReplyObject(reply);
    }
    return 0;
}

static int by_relay(const char *server, int64_t *times, long count) {
    int pair[2];
    char value[1024];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return 1;
    }
    if (fork() == 0) {
        close(pair[0]);
        _exit(relay(server, pair[1]));
    }
    close(pair[1]);
    for (long i = -count / 10; i < count; i++) {
        int64_t start = boot_ns();
        if (send(pair[0], "?", 1, MSG_NOSIGNAL) != 1 || recv(pair[0], value, sizeof value, MSG_WAITALL) != sizeof value) {
            return 1;
        }
        times[i < 0 ? 0 : i] = boot_ns() - start;
    }
    close(pair[0]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long count = argument(argc, argv, 2, 20000);
    char value[1024];
    int64_t *times = calloc(count, sizeof *times);
    redisContext *context = redisConnectUnix(argv[1]);
    if (context == NULL || context->err != 0) {
        return 1;
    }
    memset(value, 'x', sizeof value);
    freeReplyObject(redisCommand(context, "SET limit %b", value, sizeof value));
    bool is_relayed = argc > 3 && strcmp(argv[3], "relay") == 0;
    if (is_relayed && by_relay(argv[1], times, count) != 0) {
        return 1;
    }
    for (long i = -count / 10; !is_relayed && i < count; i++) { /* the first tenth warms up */
        int64_t start = boot_ns();
        redisReply *reply = redisCommand(context, "GET limit");
        times[i < 0 ? 0 : i] = boot_ns() - start;
        if (reply == NULL || reply->len != sizeof value) {
            return 1;
        }
        freeReplyObject(reply);
    }
    print_percentiles(times, count, 1000.0);
    puts("");
    freeReplyObject(redisCommand(context, "DEL limit"));
    redisFree(context);
    return 0;
}

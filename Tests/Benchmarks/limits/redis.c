/* The least that reading 1 KiB from a Redis server costs: GET by hiredis, which blocks.   redis SOCKET [COUNT] */
#include "common.h"
#include <hiredis/hiredis.h>

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
    for (long i = -count / 10; i < count; i++) { /* the first tenth warms up */
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

/* The least that a cycle can cost: a call through a pointer, two clock reads and four counters.
 * cycle [COUNT] */
#include "common.h"

static volatile int64_t counters[4];
static int empty(void *user) { return user != 0; }

int main(int argc, char **argv) {
    long count = argument(argc, argv, 1, 10000000);
    int (*volatile function)(void *) = empty;
    int64_t begin = boot_ns();
    for (long i = 0; i < count; i++) {
        int64_t start = boot_ns();
        if (function(0) != 0) {
            return 1;
        }
        int64_t end = boot_ns();
        counters[0]++;
        counters[1] = start;
        counters[2] += end - start;
        counters[3] = end;
    }
    printf("ns=%.2f\n", (double)(boot_ns() - begin) / count);
    return 0;
}

/* The least that a cache hit costs: a call through a pointer and one read of the boot clock.
 * hit [COUNT] */
#include "common.h"

struct value {
    const void *data;
    size_t size;
    int64_t age;
};
static int64_t produced, expires;
static int get(struct value *value) {
    int64_t now = boot_ns();
    if (now > expires) {
        return 1;
    }
    value->data = &produced;
    value->size = sizeof produced;
    value->age = now - produced;
    return 0;
}

int main(int argc, char **argv) {
    long count = argument(argc, argv, 1, 20000000);
    int (*volatile function)(struct value *) = get;
    produced = boot_ns();
    expires = INT64_MAX;
    struct value value;
    volatile size_t sum = 0;
    int64_t begin = boot_ns();
    for (long i = 0; i < count; i++) {
        if (function(&value) == 0) {
            sum += value.size;
        }
    }
    printf("ns=%.2f\n", (double)(boot_ns() - begin) / count);
    return 0;
}

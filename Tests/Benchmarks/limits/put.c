/* What limits/put.h is, by itself.   put DIRECTORY [BYTES] [COUNT] [SYNC 0|1] [EXCHANGE 0|1] */
#include "common.h"
#include "put.h"

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long bytes = argument(argc, argv, 2, 4096), count = argument(argc, argv, 3, 1000), sync = argument(argc, argv, 4, 0);
    int (*put)(int, const void *, size_t, int) = argument(argc, argv, 5, 0) ? put_exchange : put_rename;
    char *data = malloc(bytes + 1);
    int64_t *times = calloc(count, sizeof *times);
    memset(data, 'x', bytes);
    int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
    for (long i = 0; i < count; i++) {
        int64_t start = boot_ns();
        if (put(directory, data, bytes, sync) != 0) {
            return 1;
        }
        times[i] = boot_ns() - start;
    }
    unlinkat(directory, "limit", 0);
    unlinkat(directory, "least", 0);
    unlinkat(directory, "least.tmp", 0);
    print_percentiles(times, count, 1000.0);
    puts("");
    return 0;
}

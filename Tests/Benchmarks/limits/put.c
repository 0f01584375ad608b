/* The least that an atomic replacement costs: a temporary file, one write, a rename, and with SYNC the data and the
 * directory brought to the disk.   put DIRECTORY [BYTES] [COUNT] [SYNC 0|1] */
#include "common.h"
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long bytes = argument(argc, argv, 2, 4096), count = argument(argc, argv, 3, 1000), sync = argument(argc, argv, 4, 0);
    char *data = malloc(bytes + 1);
    int64_t *times = calloc(count, sizeof *times);
    memset(data, 'x', bytes);
    int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
    for (long i = 0; i < count; i++) {
        int64_t start = boot_ns();
        int file = openat(directory, "limit.tmp", O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file < 0 || write(file, data, bytes) != bytes || (sync && fdatasync(file) != 0)) {
            return 1;
        }
        close(file);
        renameat(directory, "limit.tmp", directory, "limit");
        if (sync) {
            fsync(directory);
        }
        times[i] = boot_ns() - start;
    }
    unlinkat(directory, "limit", 0);
    print_percentiles(times, count, 1000.0);
    puts("");
    return 0;
}

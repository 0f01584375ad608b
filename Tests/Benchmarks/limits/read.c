/* The least that reading a file costs: open, stat, read, close.   read DIRECTORY [BYTES] [COUNT]
 * COUNT files are written first and read in the order of their writing. */
#include "common.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long bytes = argument(argc, argv, 2, 4096), count = argument(argc, argv, 3, 1000);
    char *data = malloc(bytes + 1), name[32];
    int64_t *times = calloc(count, sizeof *times);
    memset(data, 'x', bytes);
    int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "read.%ld", i);
        int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (file < 0 || write(file, data, bytes) != bytes) {
            return 1;
        }
        close(file);
    }
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "read.%ld", i);
        int64_t start = boot_ns();
        struct stat status;
        int file = openat(directory, name, O_RDONLY | O_NOFOLLOW);
        if (file < 0 || fstat(file, &status) != 0) {
            return 1;
        }
        char *copy = malloc(status.st_size + 1);
        if (read(file, copy, status.st_size) != status.st_size) {
            return 1;
        }
        close(file);
        times[i] = boot_ns() - start;
        free(copy);
        unlinkat(directory, name, 0);
    }
    print_percentiles(times, count, 1000.0);
    puts("");
    return 0;
}

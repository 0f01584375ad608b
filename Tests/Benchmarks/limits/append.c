/* The least that a durable line costs: append it, and with SYNC bring it to the disk.
 * append DIRECTORY [BYTES] [COUNT] [SYNC 0|1] */
#include "common.h"
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long bytes = argument(argc, argv, 2, 400), count = argument(argc, argv, 3, 1000), sync = argument(argc, argv, 4, 1);
    char *data = malloc(bytes + 1);
    memset(data, 'x', bytes);
    int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
    int file = openat(directory, "append", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
    int64_t begin = boot_ns();
    for (long i = 0; i < count; i++) {
        if (write(file, data, bytes) != bytes || (sync && fdatasync(file) != 0)) {
            return 1;
        }
    }
    printf("per_second=%.1f\n", count / ((boot_ns() - begin) / 1e9));
    close(file);
    unlinkat(directory, "append", 0);
    return 0;
}

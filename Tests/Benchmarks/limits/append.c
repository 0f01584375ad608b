/* The least that a durable line costs: append it, and with SYNC bring it to the disk. Of BATCH lines at once, each batch is one
 * write and one sync; the last one has what is left.
 * append DIRECTORY [BYTES] [COUNT] [SYNC 0|1] [BATCH] */
#include "common.h"
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2) {
        return 64;
    }
    long bytes = argument(argc, argv, 2, 400), count = argument(argc, argv, 3, 1000), sync = argument(argc, argv, 4, 1);
    long batch = argument(argc, argv, 5, 1);
    if (bytes <= 0 || count <= 0 || batch <= 0) {
        return 64;
    }
    char *data = malloc(bytes * batch);
    memset(data, 'x', bytes * batch);
    int directory = open(argv[1], O_RDONLY | O_DIRECTORY);
    int file = openat(directory, "append", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
    int64_t begin = boot_ns();
    for (long i = 0; i < count; i += batch) {
        long size = bytes * (count - i < batch ? count - i : batch);
        if (write(file, data, size) != size || (sync && fdatasync(file) != 0)) {
            return 1;
        }
    }
    printf("per_second=%.1f\n", count / ((boot_ns() - begin) / 1e9));
    close(file);
    unlinkat(directory, "append", 0);
    return 0;
}

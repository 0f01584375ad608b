/* pipe COUNT: a child prints the time on COUNT lines, at odd moments, into a pipe; the reader compares it with the time at
 * which the line is there. */
#include "common.h"
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    long count = argument(argc, argv, 1, 400);
    int64_t *samples = calloc((size_t)count, sizeof *samples);
    int ends[2];
    if (samples == NULL || pipe(ends) != 0) {
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        dup2(ends[1], 1);
        setvbuf(stdout, NULL, _IOLBF, 0);
        for (long i = 0; i < count; i++) {
            struct timespec pause = timespec_of(3000000 + i * 7919 % 1000 * 1000);
            nanosleep(&pause, NULL);
            printf("said %" PRId64 ".\n", boot_ns());
        }
        return 0;
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    char line[128];
    size_t seen = 0;
    while (lines != NULL && seen < (size_t)count && fgets(line, sizeof line, lines) != NULL) {
        int64_t now = boot_ns(), said = 0;
        if (sscanf(line, "said %" SCNd64 ".", &said) == 1) {
            samples[seen++] = now - said;
        }
    }
    waitpid(child, NULL, 0);
    print_percentiles(samples, seen, 1e6);
    print_usage();
    printf("lines=%zu\n", seen);
    return seen == (size_t)count ? 0 : 1;
}

/* The least that many routines cost: a binary heap of due times and one thread.
 * heap [ROUTINES] [PERIOD_MS] [SECONDS] [STAGGERED 0|1] */
#include "common.h"
#include <sys/prctl.h>

struct entry {
    int64_t due;
    long id;
};
static struct entry *heap;
static long size;

static void sift_down(long i) {
    struct entry entry = heap[i];
    for (;;) {
        long child = 2 * i + 1;
        if (child >= size) {
            break;
        }
        if (child + 1 < size && heap[child + 1].due < heap[child].due) {
            child++;
        }
        if (heap[child].due >= entry.due) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = entry;
}

int main(int argc, char **argv) {
    long routines = argument(argc, argv, 1, 1000), period = argument(argc, argv, 2, 1000) * 1000000L;
    long seconds = argument(argc, argv, 3, 5), staggered = argument(argc, argv, 4, 1);
    long most = routines * (seconds * 1000000000L / period + 2), runs = 0;
    int64_t *late = malloc(most * sizeof *late);
    heap = malloc(routines * sizeof *heap);
    volatile uint64_t *counters = calloc(routines, sizeof *counters);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    int64_t begin = boot_ns() + 10000000, end = begin + seconds * 1000000000L;
    for (long i = 0; i < routines; i++) {
        heap[i] = (struct entry){begin + (staggered ? i * period / routines : 0), i};
    }
    size = routines;
    while (heap[0].due < end) {
        int64_t now = boot_ns();
        if (heap[0].due > now) {
            struct timespec time = timespec_of(heap[0].due);
            clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, 0);
            continue;
        }
        if (runs < most) {
            late[runs++] = now - heap[0].due;
        }
        counters[heap[0].id]++;
        heap[0].due += period;
        sift_down(0);
    }
    printf("runs=%ld ", runs);
    print_percentiles(late, runs, 1000.0);
    print_usage();
    puts("");
    return 0;
}

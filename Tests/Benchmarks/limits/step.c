/* The error of an absolute sleep on a grid, without timer slack: the least that a step can be late.
 * step [PERIOD_US] [COUNT] */
#include "common.h"
#include <sys/prctl.h>

int main(int argc, char **argv) {
    long period = argument(argc, argv, 1, 10000) * 1000, count = argument(argc, argv, 2, 300);
    int64_t *late = calloc(count, sizeof *late);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    int64_t first = boot_ns(), due = first;
    for (long i = 0; i < count; i++) {
        due += period;
        struct timespec time = timespec_of(due);
        clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &time, 0);
        late[i] = boot_ns() - due;
    }
    int64_t drift = late[count - 1];
    print_percentiles(late, count, 1000.0);
    printf("drift_us=%.3f ", drift / 1000.0);
    print_usage();
    puts("");
    return 0;
}

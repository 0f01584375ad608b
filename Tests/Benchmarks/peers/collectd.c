/* What collectd runs when it is measured: BENCH_ROUTINES reads at BENCH_PERIOD_US, of BENCH_SAMPLES samples each; the
 * lateness on each read's own grid goes to BENCH_OUTPUT. The declarations are those of collectd 5.12's plugin.h. */
#include "../limits/common.h"

#include <pthread.h>

typedef uint64_t cdtime_t; /* seconds by 2^30 */
typedef struct {
    void *data;
    void (*free_func)(void *);
} user_data_t;
int plugin_register_complex_read(const char *group, const char *name, int (*callback)(user_data_t *), cdtime_t interval,
                                 user_data_t const *user_data);
int plugin_register_shutdown(const char *name, int (*callback)(void));

struct entry {
    int64_t first;
    long count;
    int64_t *late;
};
static struct entry *entries;
static long routines, samples;
static int64_t period;

static long number(const char *name, long fallback) {
    const char *text = getenv(name);
    return text != NULL ? atol(text) : fallback;
}

static int read_one(user_data_t *user) {
    struct entry *entry = user->data;
    int64_t now = boot_ns();
    if (entry->first == 0) {
        entry->first = now;
    }
    if (entry->count < samples) {
        entry->late[entry->count] = now - entry->first - entry->count * period;
    }
    entry->count++;
    return 0;
}

static int finish(void) {
    const char *path = getenv("BENCH_OUTPUT");
    if (path == NULL || freopen(path, "w", stdout) == NULL) {
        return 1;
    }
    int64_t *all = calloc(routines * samples, sizeof *all), drift = 0;
    int64_t now = boot_ns();
    long size = 0, runs = 0, lost = 0;
    for (long i = 0; i < routines; i++) {
        struct entry *entry = &entries[i];
        long count = entry->count < samples ? entry->count : samples;
        int64_t least = 0;
        for (long j = 0; j < count; j++) {
            least = entry->late[j] < least ? entry->late[j] : least;
        }
        drift = count > 0 ? entry->late[count - 1] : 0;
        for (long j = 0; j < count; j++) {
            all[size++] = entry->late[j] - least;
        }
        runs += entry->count;
        if (entry->first > 0) { /* half a period of grace */
            long due = (now - entry->first - period / 2) / period + 1;
            lost += due > entry->count ? due - entry->count : 0;
        }
    }
    printf("runs=%ld lost=%ld drift_us=%.3f ", runs, lost, drift / 1000.0);
    print_percentiles(all, size, 1000.0);
    puts("");
    fflush(stdout);
    return 0;
}

void module_register(void) {
    routines = number("BENCH_ROUTINES", 1);
    samples = number("BENCH_SAMPLES", 1000);
    period = number("BENCH_PERIOD_US", 10000) * 1000;
    entries = calloc(routines, sizeof *entries);
    for (long i = 0; i < routines; i++) {
        char name[32];
        snprintf(name, sizeof name, "bench%ld", i);
        entries[i].late = calloc(samples, sizeof *entries[i].late);
        user_data_t user = {.data = &entries[i]};
        plugin_register_complex_read("bench", name, read_one, (cdtime_t)((double)period / 1e9 * 1073741824.0), &user);
    }
    plugin_register_shutdown("bench", finish);
}

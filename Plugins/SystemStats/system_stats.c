/* SystemStats: how busy the machine is, once a second, in one line of the log and in the session's record.
 * Everything is read from /proc, through files that stay open; a cycle allocates nothing. */
#define _GNU_SOURCE
#include <schedhost/plugin.h>

#include <errno.h>
#include <time.h>

#include "../sessions.h"
#include "system_stats.h"

#define USUAL_DISKS "sd*[a-z],vd*[a-z],xvd*[a-z],hd*[a-z],nvme*n[0-9],nvme*n[0-9][0-9],!nvme*c*n*,mmcblk[0-9]"
#define USUAL_INTERFACES "*,!lo,!veth*,!docker*,!br-*,!virbr*"

enum metric { CPU, MEMORY, SWAP, LOAD, DISK_READ, DISK_WRITE, NET_RECEIVED, NET_SENT, METRICS };

static const struct {
    const char *mean;
    const char *max;
} columns[METRICS] = {
    {"cpu_percent_mean", "cpu_percent_max"},
    {"memory_percent_mean", "memory_percent_max"},
    {"swap_percent_mean", "swap_percent_max"},
    {"load1_mean", "load1_max"},
    {"disk_read_bytes_s_mean", "disk_read_bytes_s_max"},
    {"disk_write_bytes_s_mean", "disk_write_bytes_s_max"},
    {"net_received_bytes_s_mean", "net_received_bytes_s_max"},
    {"net_sent_bytes_s_mean", "net_sent_bytes_s_max"},
};

/* A session's state. Its callbacks never overlap. */
struct state {
    struct session session;
    struct proc proc;
    struct filter disk_filter;
    struct filter interface_filter;
    struct devices disks;
    struct devices interfaces;
    uint64_t ticks[CPU_STATES];
    bool has_ticks;
    uint64_t now_ms; /* since boot, at the last sample; 0: there was none */
    bool own_clock;  /* now_ms is the system's, for want of a file that says it */
    bool warned;
    uint64_t samples;
    struct {
        double sum;
        double max;
        uint64_t count;
    } metrics[METRICS];
};

/* The log line in the making; what does not fit is cut. */
struct line {
    char text[512];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line->text + line->size, sizeof line->text - line->size, format, arguments);
    va_end(arguments);
    if (size > 0) {
        size_t room = sizeof line->text - 1 - line->size;
        line->size += (size_t)size < room ? (size_t)size : room;
    }
}

static void append_bytes(struct line *line, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    append(line, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void note(struct state *state, enum metric metric, double value) {
    state->metrics[metric].sum += value;
    state->metrics[metric].count++;
    if (value > state->metrics[metric].max) {
        state->metrics[metric].max = value;
    }
}

/* Shares of the time since the sample before. A state whose counter went back (iowait does) counts 0. */
static void sample_cpu(struct state *state, struct line *line) {
    const char *text = proc_read(&state->proc, PROC_STAT);
    uint64_t ticks[CPU_STATES];
    double shares[CPU_STATES];
    double total = 0;
    if (text == NULL || !parse_cpu(text, ticks)) {
        state->has_ticks = false;
        return;
    }
    for (int i = 0; i < CPU_STATES; i++) {
        shares[i] = ticks[i] > state->ticks[i] ? (double)(ticks[i] - state->ticks[i]) : 0;
        total += shares[i];
    }
    bool comparable = state->has_ticks && total > 0;
    memcpy(state->ticks, ticks, sizeof ticks);
    state->has_ticks = true;
    if (!comparable) {
        return;
    }
    for (int i = 0; i < CPU_STATES; i++) {
        shares[i] = shares[i] * 100 / total;
    }
    double busy = 100 - shares[CPU_IDLE] - shares[CPU_IOWAIT];
    busy = busy > 0 ? busy : 0;
    note(state, CPU, busy);
    append(line, "cpu %.1f%% (user %.1f nice %.1f system %.1f irq %.1f softirq %.1f steal %.1f iowait %.1f) ", busy,
           shares[CPU_USER], shares[CPU_NICE], shares[CPU_SYSTEM], shares[CPU_IRQ], shares[CPU_SOFTIRQ],
           shares[CPU_STEAL], shares[CPU_IOWAIT]);
}

static void append_share(struct line *line, const char *name, uint64_t used_kib, uint64_t total_kib, double percent) {
    append(line, "%s ", name);
    append_bytes(line, (double)used_kib * 1024);
    append(line, "/");
    append_bytes(line, (double)total_kib * 1024);
    append(line, " %.1f%% ", percent);
}

static void sample_memory(struct state *state, struct line *line) {
    const char *text = proc_read(&state->proc, PROC_MEMINFO);
    struct memory memory;
    if (text == NULL || !parse_memory(text, &memory)) {
        return;
    }
    uint64_t used = memory.total_kib - memory.available_kib;
    double percent = (double)used * 100 / (double)memory.total_kib;
    note(state, MEMORY, percent);
    append_share(line, "memory", used, memory.total_kib, percent);
    if (memory.swap_total_kib > 0) {
        used = memory.swap_total_kib - memory.swap_free_kib;
        percent = (double)used * 100 / (double)memory.swap_total_kib;
        note(state, SWAP, percent);
        append_share(line, "swap", used, memory.swap_total_kib, percent);
    }
}

static void sample_load(struct state *state, struct line *line) {
    const char *text = proc_read(&state->proc, PROC_LOADAVG);
    double load[3];
    if (text != NULL && parse_load(text, load)) {
        note(state, LOAD, load[0]);
        append(line, "load %.2f %.2f %.2f ", load[0], load[1], load[2]);
    }
}

/* Rates from bytes and the seconds that they took; none without a sample before. */
static void rates(struct state *state, struct line *line, struct traffic traffic, double seconds, enum metric in,
                  enum metric out, const char *format_in, const char *format_out) {
    if (seconds <= 0) {
        return;
    }
    note(state, in, (double)traffic.in / seconds);
    note(state, out, (double)traffic.out / seconds);
    append(line, "%s ", format_in);
    append_bytes(line, (double)traffic.in / seconds);
    append(line, "/s %s ", format_out);
    append_bytes(line, (double)traffic.out / seconds);
    append(line, "/s ");
}

/* The seconds since the sample before, suspend included; 0: unknown. From the tree that is read where it says the
 * time, so that recorded trees carry their own. */
static double pass_time(struct state *state) {
    const char *text = proc_read(&state->proc, PROC_UPTIME);
    uint64_t now_ms = 0;
    bool own_clock = text == NULL || !parse_uptime(text, &now_ms);
    struct timespec now;
    if (own_clock && clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
        now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    }
    bool comparable = state->now_ms > 0 && now_ms > state->now_ms && own_clock == state->own_clock;
    double seconds = comparable ? (double)(now_ms - state->now_ms) / 1000 : 0;
    state->now_ms = now_ms;
    state->own_clock = own_clock;
    return seconds;
}

/* A pattern that is left out would let pass, or keep away, what nobody expects. */
static bool check_filter(const schedhost_scheduler *scheduler, const char *parameter, const struct filter *filter) {
    size_t size;
    const char *fault = filter_fault(filter, &size);
    if (fault != NULL) {
        (void)schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter '%s': the pattern '%.20s...' has %zu bytes: at most %d",
                             parameter, fault, size, PATTERN_MAX - 1);
    }
    return fault == NULL;
}

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    const char *root = schedhost_param_string(scheduler, "proc_root", "/proc");
    (void)user;
    struct state *state = session_begin(scheduler, sizeof *state);
    if (state == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory");
    }
    state->disk_filter = (struct filter){schedhost_param_string(scheduler, "disks", USUAL_DISKS), USUAL_DISKS};
    state->interface_filter = (struct filter){schedhost_param_string(scheduler, "interfaces", USUAL_INTERFACES), "*"};
    if (!check_filter(scheduler, "disks", &state->disk_filter) ||
        !check_filter(scheduler, "interfaces", &state->interface_filter)) {
        session_end(state);
        return SCHEDHOST_INVALID;
    }
    int opened = proc_open(&state->proc, root);
    if (opened < 0) {
        int reason = errno;
        session_end(state);
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "cannot open proc_root '%s': %s", root, strerror(reason));
    }
    if (opened == 0) {
        session_end(state);
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "proc_root '%s' has none of the files of proc(5)", root);
    }
    return SCHEDHOST_OK;
}

static int32_t sample(const schedhost_scheduler *scheduler, void *user) {
    struct state *state = session_of(scheduler);
    struct line line;
    const char *text;
    (void)user;
    line.size = 0;
    line.text[0] = '\0';
    double seconds = pass_time(state);
    sample_cpu(state, &line);
    sample_memory(state, &line);
    sample_load(state, &line);
    text = proc_read(&state->proc, PROC_DISKSTATS);
    if (text != NULL) {
        rates(state, &line, sample_disks(&state->disks, text, &state->disk_filter), seconds, DISK_READ, DISK_WRITE,
              "disk read", "written");
    }
    text = proc_read(&state->proc, PROC_NET_DEV);
    if (text != NULL) {
        rates(state, &line, sample_interfaces(&state->interfaces, text, &state->interface_filter), seconds,
              NET_RECEIVED, NET_SENT, "net received", "sent");
    }
    if ((state->disks.crowded || state->interfaces.crowded) && !state->warned) {
        state->warned = true;
        schedhost_warning(scheduler, "more than %d devices pass the filter: the others are left out", DEVICES_MAX);
    }
    while (line.size > 0 && line.text[line.size - 1] == ' ') {
        line.text[--line.size] = '\0';
    }
    state->samples++;
    schedhost_info(scheduler, "%s", line.size > 0 ? line.text : "nothing to show in this cycle");
    return SCHEDHOST_OK;
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    struct state *state = session_of(scheduler);
    (void)user;
    proc_close(&state->proc);
    session_end(state);
    return SCHEDHOST_OK;
}

static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
    const struct state *state = session_of(scheduler);
    (void)user;
    (void)schedhost_stat_int(scheduler, "samples", (int64_t)state->samples);
    for (int i = 0; i < METRICS; i++) {
        if (state->metrics[i].count > 0) {
            (void)schedhost_stat_double(scheduler, columns[i].mean,
                                        state->metrics[i].sum / (double)state->metrics[i].count);
            (void)schedhost_stat_double(scheduler, columns[i].max, state->metrics[i].max);
        }
    }
    return SCHEDHOST_OK;
}

static const schedhost_parameter disks = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "disks",
    .default_value = USUAL_DISKS,
    .description = "which disks count: glob patterns separated by commas; ! excludes",
};
static const schedhost_parameter interfaces = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "interfaces",
    .default_value = USUAL_INTERFACES,
    .description = "which network interfaces count: glob patterns separated by commas; ! excludes",
};
static const schedhost_parameter proc_root = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "proc_root",
    .default_value = "/proc",
    .description = "where the files of proc(5) are",
};
static const schedhost_parameter *const parameters[] = {&disks, &interfaces, &proc_root, NULL};

static const schedhost_routine sampler = {
    SCHEDHOST_SIZED(schedhost_routine),
    .name = "sample",
    .description = "CPU, memory, load, disk and network, once a second",
    .wait_ms = 1000,
    .start = start,
    .run = sample,
    .stop = stop,
    .stats = stats,
};
static const schedhost_routine *const routines[] = {&sampler, NULL};

static const schedhost_plugin plugin = {
    SCHEDHOST_SIZED(schedhost_plugin),
    .id = "system-stats",
    .version = "1.0.0",
    .description = "how busy the machine is",
    .parameters = parameters,
    .routines = routines,
};
SCHEDHOST_PLUGIN(&plugin)

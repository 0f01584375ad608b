/* The parts of SystemStats. Private to this plugin. Nothing in here allocates. */
#ifndef SYSTEM_STATS_H
#define SYSTEM_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- proc.c: the files, and what their text says ---- */

enum proc_file { PROC_STAT, PROC_MEMINFO, PROC_LOADAVG, PROC_UPTIME, PROC_DISKSTATS, PROC_NET_DEV, PROC_FILES };

/* The open files of one proc tree, and the text that was read last. */
struct proc {
    int files[PROC_FILES]; /* -1: not there */
    char text[64 * 1024];
};

/* Opens what there is below `root`. Returns how many files that are, or -1 (errno) if `root` cannot be opened. */
int proc_open(struct proc *proc, const char *root);
void proc_close(struct proc *proc);
/* The file's text as of now, NUL-terminated, whole lines only, valid until the next read; NULL if it cannot be read.
 * What does not fit the buffer is left out. */
const char *proc_read(struct proc *proc, enum proc_file file);

enum cpu_state { CPU_USER, CPU_NICE, CPU_SYSTEM, CPU_IDLE, CPU_IOWAIT, CPU_IRQ, CPU_SOFTIRQ, CPU_STEAL, CPU_STATES };

struct memory {
    uint64_t total_kib;
    uint64_t available_kib;
    uint64_t swap_total_kib;
    uint64_t swap_free_kib;
};

/* Each returns whether the text has the form that is expected, and leaves the result alone if not. */
bool parse_cpu(const char *text, uint64_t ticks[CPU_STATES]);
bool parse_memory(const char *text, struct memory *memory);
bool parse_load(const char *text, double load[3]);
bool parse_uptime(const char *text, uint64_t *ms);

/* ---- devices.c: counters by device ---- */

#define DEVICES_MAX 64
#define PATTERN_MAX 64

/* Glob patterns, separated by commas; `!` excludes. Where all of them exclude, `base` says what they exclude it from. */
struct filter {
    const char *text; /* the host's, for as long as the session */
    const char *base;
};
#define DEVICE_NAME_MAX 32

struct device {
    char name[DEVICE_NAME_MAX];
    uint64_t in;
    uint64_t out;
    bool seen; /* in the sample in progress */
};

/* What each device had counted at the last sample. */
struct devices {
    struct device list[DEVICES_MAX];
    size_t count;
    bool crowded; /* there were more than fit; the others are left out */
};

/* What came in and went out since the sample before, all devices together, in bytes. */
struct traffic {
    uint64_t in;
    uint64_t out;
};

/* Take a sample from the text of diskstats and of net/dev, of the devices that `filter` lets pass. A device seen for
 * the first time counts from the next sample on; a counter that went back counts nothing once. */
struct traffic sample_disks(struct devices *devices, const char *text, const struct filter *filter);
struct traffic sample_interfaces(struct devices *devices, const char *text, const struct filter *filter);

/* Whether `name` matches one of the patterns and none of those that begin with `!`. */
bool filter_passes(const struct filter *filter, const char *name);
/* The first pattern that is too long, and its size; NULL: none is. */
const char *filter_fault(const struct filter *filter, size_t *size);

/* Reads the decimal number at `*at` after spaces, and steps over it; one that is too large becomes UINT64_MAX. */
bool next_number(const char **at, uint64_t *number);

#endif

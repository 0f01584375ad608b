/* The files of /proc: kept open, read again from the start each time, parsed within bounds. */
#define _GNU_SOURCE
#include "system_stats.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *const names[PROC_FILES] = {"stat", "meminfo", "loadavg", "uptime", "diskstats", "net/dev"};

int proc_open(struct proc *proc, const char *root) {
    int opened = 0;
    int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < PROC_FILES; i++) {
        proc->files[i] = directory < 0 ? -1 : openat(directory, names[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        opened += proc->files[i] >= 0;
    }
    if (directory < 0) {
        return -1;
    }
    (void)close(directory);
    return opened;
}

void proc_close(struct proc *proc) {
    for (int i = 0; i < PROC_FILES; i++) {
        if (proc->files[i] >= 0) {
            (void)close(proc->files[i]);
            proc->files[i] = -1;
        }
    }
}

const char *proc_read(struct proc *proc, enum proc_file file) {
    size_t size = 0;
    bool whole = false;
    if (proc->files[file] < 0) {
        return NULL;
    }
    /* A file of /proc gives about a page a call, so that one call is not enough. */
    while (size < sizeof proc->text - 1 && !whole) {
        ssize_t got = pread(proc->files[file], proc->text + size, sizeof proc->text - 1 - size, (off_t)size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return NULL;
        }
        size += (size_t)got;
        whole = got == 0;
    }
    while (!whole && size > 0 && proc->text[size - 1] != '\n') {
        size--;
    }
    proc->text[size] = '\0';
    return proc->text;
}

bool next_number(const char **at, uint64_t *number) {
    const char *text = *at;
    uint64_t value = 0;
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    if (*text < '0' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *at = text;
    *number = value;
    return true;
}

/* A decimal fraction, whatever the locale's decimal point is; in hundredths, further digits left out. */
static bool next_hundredths(const char **at, uint64_t *hundredths) {
    uint64_t whole = 0;
    uint64_t fraction = 0;
    if (!next_number(at, &whole) || whole > UINT64_MAX / 100 - 1) {
        return false;
    }
    if (**at == '.') {
        (*at)++;
        for (uint64_t place = 10; **at >= '0' && **at <= '9'; (*at)++, place /= 10) {
            fraction += (uint64_t)(**at - '0') * place;
        }
    }
    *hundredths = whole * 100 + fraction;
    return true;
}

bool parse_cpu(const char *text, uint64_t ticks[CPU_STATES]) {
    uint64_t found[CPU_STATES] = {0};
    int count = 0;
    if (strncmp(text, "cpu ", 4) != 0) {
        return false;
    }
    text += 4;
    while (count < CPU_STATES && next_number(&text, &found[count])) {
        count++;
    }
    if (count <= CPU_IDLE) { /* the first four are as old as Linux; later ones came one by one */
        return false;
    }
    memcpy(ticks, found, sizeof found);
    return true;
}

/* The number after `key` at the beginning of a line. */
static bool value_of(const char *text, const char *key, uint64_t *value) {
    size_t size = strlen(key);
    while (text != NULL && *text != '\0') {
        if (strncmp(text, key, size) == 0) {
            text += size;
            return next_number(&text, value);
        }
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    return false;
}

bool parse_memory(const char *text, struct memory *memory) {
    struct memory found = {0, 0, 0, 0};
    if (!value_of(text, "MemTotal:", &found.total_kib) || found.total_kib == 0) {
        return false;
    }
    if (!value_of(text, "MemAvailable:", &found.available_kib)) {
        uint64_t free_kib = 0;
        uint64_t cached_kib = 0;
        (void)value_of(text, "MemFree:", &free_kib);
        (void)value_of(text, "Cached:", &cached_kib);
        found.available_kib = free_kib > UINT64_MAX - cached_kib ? UINT64_MAX : free_kib + cached_kib;
    }
    if (found.available_kib > found.total_kib) {
        found.available_kib = found.total_kib;
    }
    (void)value_of(text, "SwapTotal:", &found.swap_total_kib);
    (void)value_of(text, "SwapFree:", &found.swap_free_kib);
    if (found.swap_free_kib > found.swap_total_kib) {
        found.swap_free_kib = found.swap_total_kib;
    }
    *memory = found;
    return true;
}

bool parse_load(const char *text, double load[3]) {
    uint64_t hundredths[3];
    for (int i = 0; i < 3; i++) {
        if (!next_hundredths(&text, &hundredths[i])) {
            return false;
        }
    }
    for (int i = 0; i < 3; i++) {
        load[i] = (double)hundredths[i] / 100;
    }
    return true;
}

bool parse_uptime(const char *text, uint64_t *ms) {
    uint64_t hundredths = 0;
    if (!next_hundredths(&text, &hundredths) || hundredths > UINT64_MAX / 10) {
        return false;
    }
    *ms = hundredths * 10;
    return true;
}

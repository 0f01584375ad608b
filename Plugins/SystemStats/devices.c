/* Disks and network interfaces: counters that only grow, kept by device, so that one which comes, goes or begins
 * again does not look like traffic. */
#define _GNU_SOURCE
#include "system_stats.h"

#include <fnmatch.h>
#include <string.h>

#define SECTOR 512u /* the unit of diskstats, whatever the disk's own is */

/* The pattern at the beginning of `*text`, without blanks, and its size; steps over it and its comma. */
static const char *next_pattern(const char **text, size_t *size) {
    const char *pattern = *text;
    *size = strcspn(pattern, ",");
    *text += *size + (pattern[*size] == ',');
    while (*size > 0 && *pattern == ' ') {
        pattern++;
        --*size;
    }
    while (*size > 0 && pattern[*size - 1] == ' ') {
        --*size;
    }
    return pattern;
}

enum verdict { NO_MATCH, MATCH, EXCLUDED, ONLY_EXCLUSIONS };

static enum verdict judge(const char *text, const char *name) {
    bool any = false, matches = false, selects = false;
    while (*text != '\0') {
        char pattern[PATTERN_MAX];
        size_t size;
        const char *at = next_pattern(&text, &size);
        if (size == 0 || size >= sizeof pattern) {
            continue;
        }
        memcpy(pattern, at, size);
        pattern[size] = '\0';
        any = true;
        if (pattern[0] == '!' && fnmatch(pattern + 1, name, 0) == 0) {
            return EXCLUDED;
        }
        selects = selects || pattern[0] != '!';
        matches = matches || (pattern[0] != '!' && fnmatch(pattern, name, 0) == 0);
    }
    return matches ? MATCH : any && !selects ? ONLY_EXCLUSIONS : NO_MATCH;
}

bool filter_passes(const struct filter *filter, const char *name) {
    enum verdict verdict = judge(filter->text, name);
    return verdict == MATCH || (verdict == ONLY_EXCLUSIONS && judge(filter->base, name) == MATCH);
}

const char *filter_fault(const struct filter *filter, size_t *size) {
    for (const char *text = filter->text; *text != '\0';) {
        const char *pattern = next_pattern(&text, size);
        if (*size >= PATTERN_MAX) {
            return pattern;
        }
    }
    return NULL;
}

static uint64_t sum(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* How far a counter went. One that wrapped or began anew gives 0: how far it went is not known. */
static uint64_t advance(uint64_t before, uint64_t now) {
    return now >= before ? now - before : 0;
}

static void begin(struct devices *devices) {
    for (size_t i = 0; i < devices->count; i++) {
        devices->list[i].seen = false;
    }
}

/* Forgets the devices that are gone, so that their places can be had again. */
static void end(struct devices *devices) {
    size_t kept = 0;
    for (size_t i = 0; i < devices->count; i++) {
        if (devices->list[i].seen) {
            devices->list[kept++] = devices->list[i];
        }
    }
    devices->count = kept;
}

/* One device's counters in this sample. */
static void count(struct devices *devices, const char *name, uint64_t in, uint64_t out, struct traffic *traffic) {
    for (size_t i = 0; i < devices->count; i++) {
        struct device *device = &devices->list[i];
        if (strcmp(device->name, name) == 0) {
            if (!device->seen) {
                traffic->in = sum(traffic->in, advance(device->in, in));
                traffic->out = sum(traffic->out, advance(device->out, out));
            }
            device->in = in;
            device->out = out;
            device->seen = true;
            return;
        }
    }
    if (devices->count == DEVICES_MAX) {
        devices->crowded = true;
        return;
    }
    struct device *device = &devices->list[devices->count++];
    memset(device, 0, sizeof *device);
    memcpy(device->name, name, strlen(name) + 1);
    device->in = in;
    device->out = out;
    device->seen = true;
}

/* Copies a name of `size` bytes; false when it is empty or too long. */
static bool copy_name(char name[DEVICE_NAME_MAX], const char *text, size_t size) {
    if (size == 0 || size >= DEVICE_NAME_MAX) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    return true;
}

/* Numbers of one line; false when there are fewer. */
static bool numbers(const char *at, uint64_t *values, int wanted) {
    for (int i = 0; i < wanted; i++) {
        if (!next_number(&at, &values[i])) {
            return false;
        }
    }
    return true;
}

static const char *next_line(const char *text) {
    const char *newline = strchr(text, '\n');
    return newline != NULL ? newline + 1 : text + strlen(text);
}

/* A line: major minor name reads merged sectors-read ms writes merged sectors-written … */
struct traffic sample_disks(struct devices *devices, const char *text, const struct filter *filter) {
    struct traffic traffic = {0, 0};
    begin(devices);
    for (; *text != '\0'; text = next_line(text)) {
        char name[DEVICE_NAME_MAX];
        uint64_t values[7];
        const char *at = text;
        uint64_t ignored;
        if (!next_number(&at, &ignored) || !next_number(&at, &ignored)) {
            continue;
        }
        at += strspn(at, " ");
        size_t size = strcspn(at, " \n");
        if (!copy_name(name, at, size) || !numbers(at + size, values, 7) || !filter_passes(filter, name)) {
            continue;
        }
        if (values[2] <= UINT64_MAX / SECTOR && values[6] <= UINT64_MAX / SECTOR) {
            count(devices, name, values[2] * SECTOR, values[6] * SECTOR, &traffic);
        }
    }
    end(devices);
    return traffic;
}

/* A line: name: bytes packets errors dropped fifo frame compressed multicast bytes-sent …; two lines of heading. */
struct traffic sample_interfaces(struct devices *devices, const char *text, const struct filter *filter) {
    struct traffic traffic = {0, 0};
    begin(devices);
    for (; *text != '\0'; text = next_line(text)) {
        char name[DEVICE_NAME_MAX];
        uint64_t values[9];
        const char *at = text + strspn(text, " ");
        size_t size = strcspn(at, ":\n");
        if (at[size] == ':' && copy_name(name, at, size) && numbers(at + size + 1, values, 9) &&
            filter_passes(filter, name)) {
            count(devices, name, values[0], values[8], &traffic);
        }
    }
    end(devices);
    return traffic;
}

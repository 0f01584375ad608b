/* The parts of the tiny host. */
#ifndef HARNESS_H
#define HARNESS_H

#include <schedhost/plugin.h>

#include "given_parameters.h"

struct cache {
    char name[64];
    unsigned char *bytes; /* NULL: holds nothing */
    size_t size;
    uint64_t generation;
};

/* All that the tiny host knows. One thread, so one of it. */
struct harness {
    schedhost_place place;
    int64_t now_ms; /* the clock: stepped by each cycle's wait and by `clock` */
    uint64_t wait_ms;
    int32_t level; /* lines under it are not shown */
    int stop_requested;
    int again; /* run_again_now was called in this cycle */
    int ended; /* end_session was called */
    int caches_off;
    char failure[1024];
    struct cache caches[8];
};

extern struct harness harness;
extern const schedhost_host harness_host; /* the function table: harness_host.c */

#endif

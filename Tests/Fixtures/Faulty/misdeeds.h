/* What `faulty` can do wrong. Private to this fixture. */
#ifndef FAULTY_MISDEEDS_H
#define FAULTY_MISDEEDS_H

#include <schedhost/plugin.h>

/* Where a misdeed happens. */
enum place { IN_RUN, IN_CONSTRUCTOR, IN_DESTRUCTOR, IN_LOAD, IN_UNLOAD, IN_START, IN_STOP, IN_STATS, IN_ON_ERROR };

/* One misdeed. `act` gets the scheduler (NULL in the constructor and the destructor) and the value of the
 * parameter `bound`, already clamped; what it returns, if it returns, is the callback's result. */
struct misdeed {
    const char *name;
    enum place place;
    int32_t (*act)(const schedhost_scheduler *scheduler, int64_t bound);
    int64_t usual_bound; /* what `bound` 0 means */
    int64_t largest_bound;
};

/* The misdeed of that name, or NULL. */
const struct misdeed *misdeed_named(const char *name);

/* The tables, each ended by a NULL name. */
extern const struct misdeed faults[];    /* misdeeds_faults.c: signals, exits, hangs, callbacks */
extern const struct misdeed resources[]; /* misdeeds_resources.c: memory, processes, descriptors, the host's channels */

/* A crash site keeps its frame and its name. */
#define CRASH_SITE __attribute__((noinline)) static int32_t

#endif

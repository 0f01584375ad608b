/* A plugin that misbehaves on purpose, in the way that its parameter `misdeed` names, in cycle `at`.
 *
 * The constructor runs before there are parameters: it obeys the environment variable SCHEDHOST_FAULTY, as the
 * destructor does, or the macro FAULTY_MISDEED (text) given to the compiler, which is also the parameter's default.
 * Each crash site is a function of its own, `misdeed_<name>`, so that a crash report can show it. */
#include "misdeeds.h"

#include <stdlib.h>

#ifndef FAULTY_MISDEED
#define FAULTY_MISDEED "none"
#endif

#define USUAL_AT 3

const struct misdeed *misdeed_named(const char *name) {
    const struct misdeed *const tables[] = {faults, resources};
    for (size_t table = 0; table < sizeof tables / sizeof tables[0]; table++) {
        for (const struct misdeed *each = tables[table]; each->name != NULL; each++) {
            if (strcmp(each->name, name) == 0) {
                return each;
            }
        }
    }
    return NULL;
}

/* Commits the misdeed if its place is this one; else a good result. */
static int32_t misbehave_in(enum place place, const schedhost_scheduler *scheduler) {
    const struct misdeed *misdeed = misdeed_named(schedhost_param_string(scheduler, "misdeed", FAULTY_MISDEED));
    int64_t bound = schedhost_param_int(scheduler, "bound", 0);
    if (misdeed == NULL || misdeed->place != place) {
        return SCHEDHOST_OK;
    }
    if (place == IN_RUN && schedhost_param_bool(scheduler, "once", 0) &&
        schedhost_where(scheduler)->session_before != SCHEDHOST_BEFORE_NONE) {
        return SCHEDHOST_OK;
    }
    if (bound <= 0) {
        bound = misdeed->usual_bound;
    }
    if (bound > misdeed->largest_bound) {
        bound = misdeed->largest_bound;
    }
    return misdeed->act(scheduler, bound);
}

static void misbehave_without_scheduler(enum place place) {
    const char *name = getenv("SCHEDHOST_FAULTY");
    const struct misdeed *misdeed = misdeed_named(name != NULL ? name : FAULTY_MISDEED);
    if (misdeed != NULL && misdeed->place == place) {
        (void)misdeed->act(NULL, 0);
    }
}

__attribute__((constructor)) static void construct(void) {
    misbehave_without_scheduler(IN_CONSTRUCTOR);
}

__attribute__((destructor)) static void destruct(void) {
    misbehave_without_scheduler(IN_DESTRUCTOR);
}

static int32_t load(const schedhost_scheduler *scheduler, void *user) {
    const char *name = schedhost_param_string(scheduler, "misdeed", FAULTY_MISDEED);
    (void)user;
    if (strcmp(name, "none") != 0 && misdeed_named(name) == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "unknown misdeed '%s'", name);
    }
    return misbehave_in(IN_LOAD, scheduler);
}

static int32_t unload(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    return misbehave_in(IN_UNLOAD, scheduler);
}

static int32_t start(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    return misbehave_in(IN_START, scheduler);
}

static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    int64_t at = schedhost_param_int(scheduler, "at", USUAL_AT);
    const struct misdeed *misdeed = misdeed_named(schedhost_param_string(scheduler, "misdeed", FAULTY_MISDEED));
    (void)user;
    if (at < 0 || schedhost_cycle(scheduler) != (uint64_t)at) {
        return SCHEDHOST_OK;
    }
    if (misdeed != NULL && misdeed->place == IN_ON_ERROR) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "an error for on_error");
    }
    return misbehave_in(IN_RUN, scheduler);
}

static int32_t stop(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    return misbehave_in(IN_STOP, scheduler);
}

static int32_t stats(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    (void)schedhost_stat_string(scheduler, "misdeed", schedhost_param_string(scheduler, "misdeed", FAULTY_MISDEED));
    return misbehave_in(IN_STATS, scheduler);
}

static void on_error(const schedhost_scheduler *scheduler, const schedhost_error *error, schedhost_decision *decision,
                     void *user) {
    int64_t wanted = schedhost_param_int(scheduler, "decision", SCHEDHOST_DECIDE_DEFAULT);
    (void)error, (void)user;
    (void)misbehave_in(IN_ON_ERROR, scheduler);
    if (wanted > 0 && wanted <= INT32_MAX) {
        decision->decision = (uint32_t)wanted;
        decision->retry_ms = 10;
    }
}

#define PARAMETER(variable, kind, text, fallback, allowed, meaning)                                        \
    static const schedhost_parameter variable = {SCHEDHOST_SIZED(schedhost_parameter), .type = (kind),     \
                                                 .name = (text), .default_value = (fallback),              \
                                                 .range = (allowed), .description = (meaning)}

PARAMETER(misdeed_parameter, SCHEDHOST_PARAM_STRING, "misdeed", FAULTY_MISDEED, NULL, "what to do wrong");
PARAMETER(at_parameter, SCHEDHOST_PARAM_INT, "at", "3", "0..", "in which cycle; the others are good");
PARAMETER(bound_parameter, SCHEDHOST_PARAM_INT, "bound", "0", "0..", "how much at most; 0: the misdeed's own bound");
PARAMETER(once_parameter, SCHEDHOST_PARAM_BOOL, "once", "false", NULL, "in the first session only");
PARAMETER(decision_parameter, SCHEDHOST_PARAM_INT, "decision", "0", "0..", "what on_error answers; 0: nothing");
PARAMETER(trace_parameter, SCHEDHOST_PARAM_STRING, "trace", "", NULL, "a file that gets the pids of fork-children");

static const schedhost_parameter *const parameters[] = {
    &misdeed_parameter, &at_parameter, &bound_parameter, &once_parameter, &decision_parameter, &trace_parameter, NULL};

static const schedhost_routine misbehave = {SCHEDHOST_SIZED(schedhost_routine),
                                            .name = "misbehave",
                                            .description = "good until its hour comes",
                                            .wait_ms = 10,
                                            .start = start,
                                            .run = run,
                                            .stop = stop,
                                            .stats = stats,
                                            .on_error = on_error};
static const schedhost_routine *const routines[] = {&misbehave, NULL};

static const schedhost_plugin plugin = {SCHEDHOST_SIZED(schedhost_plugin),
                                        .id = "faulty",
                                        .version = "1.0.0",
                                        .description = "misbehaves on purpose",
                                        .parameters = parameters,
                                        .routines = routines,
                                        .load = load,
                                        .unload = unload};
SCHEDHOST_PLUGIN(&plugin)

/* The parts of the program that tries stores. */
#ifndef DRIVER_H
#define DRIVER_H

#include <schedhost/store.h>

#include "given_parameters.h"

/* Lines of the log under this level are not shown. Set before the first link is opened. */
extern int32_t driver_level;
extern const schedhost_scheduler driver_scheduler;

/* The text of schedhost_fail on this thread since this was asked last. */
const char *driver_failure(void *user);

/* Measures so many calls of a store of each kind, or fewer of those that take long, and prints a line of NAME=VALUE for each;
 * `only`: NULL, or the one kind that is measured. 0 when it could. */
int driver_measure(const schedhost_store *store, const char *prefix, const char *only, size_t samples);

#endif

/* Counts allocations of the calling thread, for tests that say there are none. */
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc and aligned forms that this thread has made. */
uint64_t allocation_count(void);

#endif

/* Counts allocations of the calling thread, for tests that say there are none, and tells the size of one. */
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/* Calls of malloc, calloc, realloc and aligned forms that this thread has made. */
uint64_t allocation_count(void);

/* The bytes that an allocation takes, with malloc's own: malloc_usable_size(3). */
size_t allocation_size(const void *memory);

#endif

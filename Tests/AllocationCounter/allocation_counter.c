/* Takes the place of glibc's allocation functions in this program: malloc(3), "Replacing malloc" in glibc's
 * manual. Each counts, and goes on to glibc's own under its other name. */
#include "AllocationCounter.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

#define COUNTED __attribute__((visibility("default")))

static _Thread_local uint64_t allocations;

uint64_t allocation_count(void) { return allocations; }

size_t allocation_size(const void *memory) { return malloc_usable_size((void *)memory) + sizeof(size_t); }

COUNTED void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

COUNTED void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

COUNTED void *realloc(void *memory, size_t size) {
    allocations++;
    return __libc_realloc(memory, size);
}

COUNTED void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

COUNTED int posix_memalign(void **memory, size_t alignment, size_t size) {
    allocations++;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

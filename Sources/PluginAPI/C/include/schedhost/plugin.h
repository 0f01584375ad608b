/* schedhost: the plugin ABI, version 1.1.
 *
 * A plugin is one shared object that exports one symbol, `schedhost_plugin_v1`: a pure function
 * that returns the plugin's descriptor. Beside it stands an ELF note, which the host reads without
 * loading the file. In C and C++ the macro SCHEDHOST_PLUGIN makes both:
 *
 *     #include <schedhost/plugin.h>
 *
 *     static int32_t tick(const schedhost_scheduler *scheduler, void *user) {
 *         (void)user;
 *         schedhost_info(scheduler, "cycle %" PRIu64, schedhost_cycle(scheduler));
 *         return SCHEDHOST_OK;
 *     }
 *     static const schedhost_routine routine = {
 *         SCHEDHOST_SIZED(schedhost_routine), .name = "tick", .wait_ms = 1000, .run = tick};
 *     static const schedhost_routine *const routines[] = {&routine, NULL};
 *     static const schedhost_plugin plugin = {
 *         SCHEDHOST_SIZED(schedhost_plugin), .id = "hello", .version = "1.0.0", .routines = routines};
 *     SCHEDHOST_PLUGIN(&plugin)
 *
 * Build it with   cc -shared -fPIC -I <prefix>/include hello.c -o libhello.so
 *
 * The rules that hold for every declaration of this ABI:
 *
 * - Words. A *routine* is run again and again by its *scheduler*. One run is a *cycle*. From a
 *   scheduler's start to its end is a *session*.
 * - Types. Only fixed-width integers, `size_t`, `double`, NUL-terminated UTF-8, (pointer, length)
 *   bytes and function pointers cross the boundary. No varargs, no `FILE *`, no exception, no
 *   `longjmp`.
 * - Languages. C11 and later, C++17 and later. C++17 has no designated initialisers: fill the structs of
 *   the example in constexpr functions. In C++20, -Wextra wants -Wno-missing-field-initializers.
 * - Ownership. (1) Descriptors live as long as the process. (2) What a plugin hands in is copied
 *   before the call returns. (3) What the host hands out is immutable and lives until the plugin's
 *   callback returns; a cache value may be pinned longer. Neither side frees what the other made.
 * - Threads. Each function is tagged, those that the host calls too. Callbacks of one routine never
 *   overlap. None of the host's functions may be called in a signal handler.
 *   `[callback]`: only inside a callback of this routine, on the thread that the callback runs on.
 *   `[any-thread]`: on any thread of the plugin from the start of `start` to the return of `stop`; and
 *   in `load` and `unload` on the thread that they run on.
 *   `[source]`: only inside a cache source, on the thread that it runs on. Beside these a source may
 *   call the [any-thread] functions and `fail`.
 *   `[host-thread]`: called by the host on a thread of its own, while callbacks may be running. Calls
 *   [any-thread] functions only, and returns at once.
 *   `[store]`: see store.h, for plugins that offer a store to the hosts of a cluster.
 * - Growth. A struct that may grow begins with its own size. Whoever receives one copies
 *   min(its own size, struct_size) bytes into a zeroed struct of its own: zero or NULL means absent.
 *   Whoever fills in another's struct writes no more than its struct_size. Ask with SCHEDHOST_HAS before
 *   reading or writing what came after 1.0. Enumerations are open: an unknown decision means the
 *   default, an unknown flag of a descriptor refuses the plugin.
 *
 * Include this header; it brings the others, which are not for direct inclusion. Who offers a store includes store.h.
 */
#ifndef SCHEDHOST_PLUGIN_H
#define SCHEDHOST_PLUGIN_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi.h"
#include "cache.h"
#include "host.h"
#include "descriptor.h"
#include "calls.h"

#endif

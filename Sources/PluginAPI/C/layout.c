/* Pins the ABI: what an already built plugin relies on. A change here that is not an append breaks it. */
#include <schedhost/plugin.h>

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type " changed")

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "the ABI is for 64-bit Linux");

SIZE(schedhost_note, 40);
AT(schedhost_note, abi_major, 24);

AT(schedhost_scheduler, host, 8);
AT(schedhost_scheduler, host_data, 16);
SIZE(schedhost_scheduler, 24);

AT(schedhost_place, plugin, 8);
AT(schedhost_place, cycle, 32);
AT(schedhost_place, session_before, 64);
SIZE(schedhost_place, 72);

AT(schedhost_error, code, 8);
AT(schedhost_error, message, 24);
SIZE(schedhost_error, 32);
AT(schedhost_decision, retry_ms, 8);
SIZE(schedhost_decision, 16);

AT(schedhost_parameter, name, 8);
SIZE(schedhost_parameter, 40);

AT(schedhost_routine, name, 8);
AT(schedhost_routine, wait_ms, 24);
AT(schedhost_routine, user, 48);
AT(schedhost_routine, run, 64);
AT(schedhost_routine, interrupt, 96);
SIZE(schedhost_routine, 104);

AT(schedhost_plugin, id, 8);
AT(schedhost_plugin, needs_minor, 32);
AT(schedhost_plugin, routines, 48);
AT(schedhost_plugin, extension, 80);
SIZE(schedhost_plugin, 88);

AT(schedhost_writer, write, 8);
SIZE(schedhost_writer, 32);
AT(schedhost_cache_options, source, 32);
SIZE(schedhost_cache_options, 56);
AT(schedhost_cache_request, source, 32);
SIZE(schedhost_cache_request, 48);
AT(schedhost_cache_value, pin, 56);
SIZE(schedhost_cache_value, 64);
SIZE(schedhost_cache_counters, 80);

AT(schedhost_host, place, 16);
AT(schedhost_host, log, 48);
AT(schedhost_host, fail, 96);
AT(schedhost_host, stat_int, 144);
AT(schedhost_host, cache_memory, 168);
AT(schedhost_host, extension, 256);
SIZE(schedhost_host, 264);

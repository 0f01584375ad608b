/* Pins the ABI: what an already built plugin relies on. A change here that is not an append breaks it. */
#include <schedhost/plugin.h>
#include <schedhost/store.h>

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), "the size of " #type " changed")
#define IS(name, value) _Static_assert((name) == (value), "the value of " #name " changed")

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "the ABI is for 64-bit Linux");

AT(schedhost_note, name_size, 0);
AT(schedhost_note, descriptor_size, 4);
AT(schedhost_note, type, 8);
AT(schedhost_note, name, 12);
AT(schedhost_note, abi_major, 24);
AT(schedhost_note, abi_minor, 28);
AT(schedhost_note, needs_minor, 32);
AT(schedhost_note, language, 36);
SIZE(schedhost_note, 40);

AT(schedhost_writer, struct_size, 0);
AT(schedhost_writer, reserved, 4);
AT(schedhost_writer, write, 8);
AT(schedhost_writer, set_object, 16);
AT(schedhost_writer, host_data, 24);
SIZE(schedhost_writer, 32);

AT(schedhost_cache_options, struct_size, 0);
AT(schedhost_cache_options, flags, 4);
AT(schedhost_cache_options, expire_ms, 8);
AT(schedhost_cache_options, refresh_after_ms, 16);
AT(schedhost_cache_options, max_value_bytes, 24);
AT(schedhost_cache_options, source, 32);
AT(schedhost_cache_options, user, 40);
AT(schedhost_cache_options, codec, 48);
AT(schedhost_cache_options, reserved, 52);
AT(schedhost_cache_options, path, 56);
SIZE(schedhost_cache_options, 64);

AT(schedhost_cache_request, struct_size, 0);
AT(schedhost_cache_request, flags, 4);
AT(schedhost_cache_request, tolerance_ms, 8);
AT(schedhost_cache_request, key, 16);
AT(schedhost_cache_request, key_size, 24);
AT(schedhost_cache_request, source, 32);
AT(schedhost_cache_request, user, 40);
SIZE(schedhost_cache_request, 48);

AT(schedhost_cache_value, struct_size, 0);
AT(schedhost_cache_value, state, 4);
AT(schedhost_cache_value, data, 8);
AT(schedhost_cache_value, size, 16);
AT(schedhost_cache_value, object, 24);
AT(schedhost_cache_value, age_ms, 32);
AT(schedhost_cache_value, generation, 40);
AT(schedhost_cache_value, last_error, 48);
AT(schedhost_cache_value, reserved, 52);
AT(schedhost_cache_value, pin, 56);
AT(schedhost_cache_value, age_seconds, 72);
SIZE(schedhost_cache_value, 80);

AT(schedhost_cache_counters, struct_size, 0);
AT(schedhost_cache_counters, reserved, 4);
AT(schedhost_cache_counters, hits, 8);
AT(schedhost_cache_counters, loads, 16);
AT(schedhost_cache_counters, load_failures, 24);
AT(schedhost_cache_counters, stale_served, 32);
AT(schedhost_cache_counters, evictions, 40);
AT(schedhost_cache_counters, corrupt, 48);
AT(schedhost_cache_counters, save_failures, 56);
AT(schedhost_cache_counters, bytes, 64);
AT(schedhost_cache_counters, load_time_us, 72);
SIZE(schedhost_cache_counters, 80);

AT(schedhost_scheduler, struct_size, 0);
AT(schedhost_scheduler, reserved, 4);
AT(schedhost_scheduler, host, 8);
AT(schedhost_scheduler, host_data, 16);
SIZE(schedhost_scheduler, 24);

AT(schedhost_place, struct_size, 0);
AT(schedhost_place, attempt, 4);
AT(schedhost_place, plugin, 8);
AT(schedhost_place, routine, 16);
AT(schedhost_place, session, 24);
AT(schedhost_place, cycle, 32);
AT(schedhost_place, lifetime_cycles, 40);
AT(schedhost_place, session_start_ms, 48);
AT(schedhost_place, missed, 56);
AT(schedhost_place, session_before, 64);
AT(schedhost_place, reserved, 68);
AT(schedhost_place, due_ms, 72);
AT(schedhost_place, lease_token, 80);
AT(schedhost_place, shard, 88);
AT(schedhost_place, shards, 92);
SIZE(schedhost_place, 96);

AT(schedhost_past_session, struct_size, 0);
AT(schedhost_past_session, is_failure, 4);
AT(schedhost_past_session, session, 8);
AT(schedhost_past_session, reason, 16);
AT(schedhost_past_session, text, 24);
AT(schedhost_past_session, start_ms, 32);
AT(schedhost_past_session, finish_ms, 40);
AT(schedhost_past_session, duration_ms, 48);
AT(schedhost_past_session, cycles, 56);
AT(schedhost_past_session, failures, 64);
AT(schedhost_past_session, missed, 72);
SIZE(schedhost_past_session, 80);

AT(schedhost_error, struct_size, 0);
AT(schedhost_error, phase, 4);
AT(schedhost_error, code, 8);
AT(schedhost_error, attempt, 12);
AT(schedhost_error, cycle, 16);
AT(schedhost_error, message, 24);
SIZE(schedhost_error, 32);

AT(schedhost_decision, struct_size, 0);
AT(schedhost_decision, decision, 4);
AT(schedhost_decision, retry_ms, 8);
SIZE(schedhost_decision, 16);

AT(schedhost_host, struct_size, 0);
AT(schedhost_host, abi_minor, 4);
AT(schedhost_host, host_version, 8);
AT(schedhost_host, place, 16);
AT(schedhost_host, now_ms, 24);
AT(schedhost_host, next_due_ms, 32);
AT(schedhost_host, log_enabled, 40);
AT(schedhost_host, log, 48);
AT(schedhost_host, param_string, 56);
AT(schedhost_host, param_int, 64);
AT(schedhost_host, param_double, 72);
AT(schedhost_host, param_bool, 80);
AT(schedhost_host, params_json, 88);
AT(schedhost_host, fail, 96);
AT(schedhost_host, stop_requested, 104);
AT(schedhost_host, sleep_ms, 112);
AT(schedhost_host, end_session, 120);
AT(schedhost_host, set_wait_ms, 128);
AT(schedhost_host, run_again_now, 136);
AT(schedhost_host, stat_int, 144);
AT(schedhost_host, stat_double, 152);
AT(schedhost_host, stat_string, 160);
AT(schedhost_host, cache_memory, 168);
AT(schedhost_host, cache, 176);
AT(schedhost_host, cache_get, 184);
AT(schedhost_host, cache_peek, 192);
AT(schedhost_host, cache_put, 200);
AT(schedhost_host, cache_put_object, 208);
AT(schedhost_host, cache_invalidate, 216);
AT(schedhost_host, cache_pin, 224);
AT(schedhost_host, cache_release, 232);
AT(schedhost_host, cache_error, 240);
AT(schedhost_host, cache_counters, 248);
AT(schedhost_host, extension, 256);
AT(schedhost_host, cache_set_aside, 264);
AT(schedhost_host, lease_left_ms, 272);
AT(schedhost_host, history, 280);
SIZE(schedhost_host, 288);

AT(schedhost_parameter, struct_size, 0);
AT(schedhost_parameter, type, 4);
AT(schedhost_parameter, name, 8);
AT(schedhost_parameter, default_value, 16);
AT(schedhost_parameter, range, 24);
AT(schedhost_parameter, description, 32);
AT(schedhost_parameter, flags, 40);
AT(schedhost_parameter, reserved, 44);
SIZE(schedhost_parameter, 48);

AT(schedhost_routine, struct_size, 0);
AT(schedhost_routine, flags, 4);
AT(schedhost_routine, name, 8);
AT(schedhost_routine, description, 16);
AT(schedhost_routine, wait_ms, 24);
AT(schedhost_routine, max_cycles, 32);
AT(schedhost_routine, timeout_ms, 40);
AT(schedhost_routine, user, 48);
AT(schedhost_routine, start, 56);
AT(schedhost_routine, run, 64);
AT(schedhost_routine, stop, 72);
AT(schedhost_routine, stats, 80);
AT(schedhost_routine, on_error, 88);
AT(schedhost_routine, interrupt, 96);
AT(schedhost_routine, schedule, 104);
SIZE(schedhost_routine, 112);

AT(schedhost_plugin, struct_size, 0);
AT(schedhost_plugin, flags, 4);
AT(schedhost_plugin, id, 8);
AT(schedhost_plugin, version, 16);
AT(schedhost_plugin, description, 24);
AT(schedhost_plugin, needs_minor, 32);
AT(schedhost_plugin, reserved, 36);
AT(schedhost_plugin, parameters, 40);
AT(schedhost_plugin, routines, 48);
AT(schedhost_plugin, user, 56);
AT(schedhost_plugin, load, 64);
AT(schedhost_plugin, unload, 72);
AT(schedhost_plugin, extension, 80);
AT(schedhost_plugin, needs, 88);
SIZE(schedhost_plugin, 96);

IS(SCHEDHOST_OK, 0);
IS(SCHEDHOST_ERROR, 1);
IS(SCHEDHOST_INVALID, -1);
IS(SCHEDHOST_NOT_FOUND, -2);
IS(SCHEDHOST_REENTRANT, -3);
IS(SCHEDHOST_SOURCE_FAILED, -4);
IS(SCHEDHOST_TOO_LARGE, -5);
IS(SCHEDHOST_UNSUPPORTED, -6);
IS(SCHEDHOST_NOT_HERE, -7);
IS(SCHEDHOST_STOPPED, -8);

IS(SCHEDHOST_LOG_TRACE, 5);
IS(SCHEDHOST_LOG_DEBUG, 10);
IS(SCHEDHOST_LOG_INFO, 20);
IS(SCHEDHOST_LOG_SUCCESS, 25);
IS(SCHEDHOST_LOG_WARNING, 30);
IS(SCHEDHOST_LOG_ERROR, 40);
IS(SCHEDHOST_LOG_CRITICAL, 50);

IS(SCHEDHOST_MAX_NAME, 64u);
IS(SCHEDHOST_MAX_DESCRIPTION, 200u);
IS(SCHEDHOST_MAX_ROUTINES, 131072u);
IS(SCHEDHOST_MAX_PARAMETERS, 1000u);
IS(SCHEDHOST_MAX_WAIT_MS, 31u * 86400u * 1000u);
IS(SCHEDHOST_MAX_RETRY_MS, 86400u * 1000u);
IS(SCHEDHOST_MAX_SCHEDULE, 1024u);
IS(SCHEDHOST_MAX_LOG, 64u << 10);
IS(SCHEDHOST_MAX_MESSAGE, 4u << 10);
IS(SCHEDHOST_MAX_STAT, 2u << 10);
IS(SCHEDHOST_MAX_STAT_NAME, 128u);
IS(SCHEDHOST_MAX_STATS, 64u);
IS(SCHEDHOST_MAX_HISTORY, 10u);
IS(SCHEDHOST_MAX_HISTORY_TEXT, 240u);
IS(SCHEDHOST_MAX_CACHE_NAME, 4u << 10);
IS(SCHEDHOST_MAX_KEY, 64u << 10);

IS(SCHEDHOST_PHASE_NONE, 0);
IS(SCHEDHOST_PHASE_LOAD, 1);
IS(SCHEDHOST_PHASE_START, 2);
IS(SCHEDHOST_PHASE_ROUTINE, 3);
IS(SCHEDHOST_PHASE_SLEEP, 4);
IS(SCHEDHOST_PHASE_CACHE, 5);
IS(SCHEDHOST_PHASE_STATS, 6);
IS(SCHEDHOST_PHASE_STOP, 7);
IS(SCHEDHOST_PHASE_HOOK, 8);

IS(SCHEDHOST_DECIDE_DEFAULT, 0);
IS(SCHEDHOST_DECIDE_CONTINUE, 1);
IS(SCHEDHOST_DECIDE_RETRY, 2);
IS(SCHEDHOST_DECIDE_END_SESSION, 3);
IS(SCHEDHOST_DECIDE_STOP, 4);
IS(SCHEDHOST_DECIDE_QUARANTINE, 5);

IS(SCHEDHOST_BEFORE_NONE, 0);
IS(SCHEDHOST_BEFORE_CLEAN, 1);
IS(SCHEDHOST_BEFORE_ERROR, 2);
IS(SCHEDHOST_BEFORE_CRASH, 3);
IS(SCHEDHOST_BEFORE_TIMEOUT, 4);

IS(SCHEDHOST_LANGUAGE_OTHER, 0);
IS(SCHEDHOST_LANGUAGE_C, 1);
IS(SCHEDHOST_LANGUAGE_SWIFT, 2);
IS(SCHEDHOST_LANGUAGE_CXX, 3);

IS(SCHEDHOST_CACHE_OBJECTS, 1u);
IS(SCHEDHOST_CACHE_SHARED, 2u);
IS(SCHEDHOST_CACHE_PLUGIN, 4u);

IS(SCHEDHOST_GET_FRESH, 1u);

IS(SCHEDHOST_VALUE_NONE, 0);
IS(SCHEDHOST_VALUE_HIT, 1);
IS(SCHEDHOST_VALUE_LOADED, 2);
IS(SCHEDHOST_VALUE_STALE, 3);

IS(SCHEDHOST_PARAM_STRING, 1);
IS(SCHEDHOST_PARAM_INT, 2);
IS(SCHEDHOST_PARAM_DOUBLE, 3);
IS(SCHEDHOST_PARAM_BOOL, 4);
IS(SCHEDHOST_PARAM_SECRET, 1u);

IS(SCHEDHOST_SERIAL, 1u);
IS(SCHEDHOST_GLOBAL_LIBRARIES, 2u);

AT(schedhost_store_server, struct_size, 0);
AT(schedhost_store_server, flags, 4);
AT(schedhost_store_server, instance, 8);
AT(schedhost_store_server, link, 16);
SIZE(schedhost_store_server, 24);

AT(schedhost_store_read, struct_size, 0);
AT(schedhost_store_read, status, 4);
AT(schedhost_store_read, key, 8);
AT(schedhost_store_read, key_size, 16);
AT(schedhost_store_read, writer, 24);
AT(schedhost_store_read, version, 32);
AT(schedhost_store_read, age_ms, 40);
SIZE(schedhost_store_read, 48);

AT(schedhost_store_condition, struct_size, 0);
AT(schedhost_store_condition, reserved, 4);
AT(schedhost_store_condition, key, 8);
AT(schedhost_store_condition, key_size, 16);
AT(schedhost_store_condition, version, 24);
SIZE(schedhost_store_condition, 32);

AT(schedhost_store_write, struct_size, 0);
AT(schedhost_store_write, flags, 4);
AT(schedhost_store_write, key, 8);
AT(schedhost_store_write, key_size, 16);
AT(schedhost_store_write, bytes, 24);
AT(schedhost_store_write, size, 32);
AT(schedhost_store_write, keep_ms, 40);
SIZE(schedhost_store_write, 48);

AT(schedhost_store_commit, struct_size, 0);
AT(schedhost_store_commit, status, 4);
AT(schedhost_store_commit, conditions, 8);
AT(schedhost_store_commit, writes, 16);
AT(schedhost_store_commit, version, 24);
AT(schedhost_store_commit, now_ms, 32);
SIZE(schedhost_store_commit, 40);

AT(schedhost_store, struct_size, 0);
AT(schedhost_store, flags, 4);
AT(schedhost_store, max_value_bytes, 8);
AT(schedhost_store, max_conditions, 16);
AT(schedhost_store, max_writes, 20);
AT(schedhost_store, user, 24);
AT(schedhost_store, open, 32);
AT(schedhost_store, close, 40);
AT(schedhost_store, read, 48);
AT(schedhost_store, list, 56);
AT(schedhost_store, commit, 64);
AT(schedhost_store, watch, 72);
SIZE(schedhost_store, 80);

IS(SCHEDHOST_STORE_DONE, 0);
IS(SCHEDHOST_STORE_ABSENT, 1);
IS(SCHEDHOST_STORE_CHANGED, 2);
IS(SCHEDHOST_STORE_UNKNOWN, 3);
IS(SCHEDHOST_STORE_REFUSED, 4);
IS(SCHEDHOST_STORE_STRICT, 1u);
IS(SCHEDHOST_STORE_DELETE, 1u);

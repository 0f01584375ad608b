/* What a plugin says of itself. Included by <schedhost/plugin.h>.
 *
 * Descriptors are immutable, and live as long as the process. Names (`id`, `name`) are 1 to 64 of
 * the characters a-z A-Z 0-9 . _ - and do not begin with a dot. Versions and descriptions are one line of at most
 * SCHEDHOST_MAX_DESCRIPTION (200) bytes of UTF-8. What is out of its bounds refuses the plugin. */
#ifndef SCHEDHOST_DESCRIPTOR_H
#define SCHEDHOST_DESCRIPTOR_H

#include "abi.h"
#include "host.h"

enum {
    SCHEDHOST_PARAM_STRING = 1,
    SCHEDHOST_PARAM_INT = 2,
    SCHEDHOST_PARAM_DOUBLE = 3,
    SCHEDHOST_PARAM_BOOL = 4
};

enum {
    SCHEDHOST_PARAM_SECRET = 1u /* its value, and its default, are shown nowhere: only the plugin gets them. A host of 1.0
                                 * shows them: who must not have that says SCHEDHOST_PLUGIN_NEEDS(…, 1u) */
};

/* One parameter that a configuration may set. Declared ones are listed, checked and defaulted. */
typedef struct schedhost_parameter {
    uint32_t struct_size;
    uint32_t type;             /* SCHEDHOST_PARAM_… */
    const char *name;
    const char *default_value; /* as text: "8080", "0.5", "true"; at most 4096 bytes; NULL: no default */
    const char *range;         /* "1..65535" (either end may be missing), or "a|b|c"; likewise; NULL: any */
    const char *description;   /* one line; may be NULL */
    /* Since 1.1. */
    uint32_t flags;            /* SCHEDHOST_PARAM_SECRET; an unknown one refuses the plugin */
    uint32_t reserved;         /* 0 */
} schedhost_parameter;

/* One routine. All but `name` and `run` may be absent.
 *
 * Threads. `start`, `run`, `stats`, `stop` and `on_error` run on threads of the host's: one at a time, but not
 * always the same one, so that a thread's own variables (_Thread_local) do not lead from one cycle to the next.
 * `load`, `unload` and `interrupt` run on the worker's main thread, which serves all its plugins. A cache's source
 * runs on the thread that asked, or on one of the host's. */
typedef struct schedhost_routine {
    uint32_t struct_size;
    uint32_t flags;          /* none is defined yet: 0 */
    const char *name;
    const char *description; /* one line */
    uint64_t wait_ms;        /* from one cycle's start to the next one's; 0: back to back; at most 31 days */
    uint64_t max_cycles;     /* of a session; 0: no bound */
    uint64_t timeout_ms;     /* of a cycle; 0: the host's default (10 x wait_ms, from 60 s to 1 h); at most 31 days */
    void *user;              /* handed to each callback */

    /* [callback] Once at the session's start, before its first cycle. An error here has the phase start. */
    int32_t (*start)(const schedhost_scheduler *scheduler, void *user);
    /* [callback] One cycle. */
    int32_t (*run)(const schedhost_scheduler *scheduler, void *user);
    /* [callback] Once at the session's end, if `start` succeeded: joins the plugin's own threads and closes
     * what start opened. Not called when the worker dies. An error here is noted in the record. */
    int32_t (*stop)(const schedhost_scheduler *scheduler, void *user);
    /* [callback] Once after the last cycle, before stop: names the record's columns by schedhost_stat_…. The
     * session has ended: schedhost_end_session and schedhost_run_again_now do nothing in here, and
     * schedhost_set_wait_ms is SCHEDHOST_NOT_HERE. An error here becomes the column stats_error; the record is
     * written all the same. */
    int32_t (*stats)(const schedhost_scheduler *scheduler, void *user);
    /* [callback] Decides about an error of the other callbacks. Not called for its own. */
    void (*on_error)(const schedhost_scheduler *scheduler, const schedhost_error *error,
                     schedhost_decision *decision, void *user);
    /* [host-thread] The host asks to stop while `run` is in progress; at most once a session. Wake what `run`
     * waits for: close or shut down its socket, write to its pipe, set what the library has for that. */
    void (*interrupt)(const schedhost_scheduler *scheduler, void *user);

    /* Since 1.1. When cycles begin, in place of wait_ms, which is 0 then: a calendar such as "Mon..Fri 09:30 Europe/Berlin",
     * or the five fields of cron; at most SCHEDHOST_MAX_SCHEDULE bytes. NULL: by wait_ms. A text that means nothing, or a
     * zone that is not on the machine, refuses the plugin. `schedhost calendar TEXT` shows what a text means. A host of 1.0
     * does not see it, and runs by wait_ms: who must not have that says SCHEDHOST_PLUGIN_NEEDS(…, 1u). */
    const char *schedule;
} schedhost_routine;

enum {
    SCHEDHOST_SERIAL = 1u,          /* this plugin's routines never overlap each other */
    SCHEDHOST_GLOBAL_LIBRARIES = 2u /* what the plugin loads itself finds the libraries that the plugin is linked with
                                     * (RTLD_GLOBAL), also in a worker that other plugins share. In a worker of its
                                     * own that is so anyway. Its own symbols are never found by others. */
};

/* One plugin. `id`, `version` and `routines` are required. */
typedef struct schedhost_plugin {
    uint32_t struct_size;
    uint32_t flags;          /* SCHEDHOST_SERIAL; an unknown one refuses the plugin */
    const char *id;          /* unique in a host */
    const char *version;     /* for display and the records, such as "1.2.0" */
    const char *description; /* one line; may be NULL */
    uint32_t needs_minor;    /* the least minor of the host's ABI that the plugin needs; 0: any. The note's
                              * counts as well, and is read before any code runs: SCHEDHOST_PLUGIN_NEEDS */
    uint32_t reserved;
    const schedhost_parameter *const *parameters; /* NULL-terminated; may be NULL */
    const schedhost_routine *const *routines;     /* NULL-terminated, at least one, names unique */
    void *user;                                   /* handed to load and unload */

    /* [callback] Once after the file was loaded, before any routine starts. `scheduler` has the plugin's
     * scope: its place, log, parameters and fail; no session, and no caches but those that the routines share
     * (SCHEDHOST_CACHE_PLUGIN). An error refuses the plugin. May be NULL. */
    int32_t (*load)(const schedhost_scheduler *scheduler, void *user);
    /* [callback] Once after the last routine stopped, before the worker ends in order. May be NULL. */
    int32_t (*unload)(const schedhost_scheduler *scheduler, void *user);
    /* [any-thread] The plugin's extension of that id, or NULL. May be NULL. Pure. */
    const void *(*extension)(const char *id);

    /* Since 1.1. What the plugin needs of its sandbox beside its own folders, NULL-terminated, by the keys of sandbox {} in a
     * configuration: "write=/srv/out", "read=…", "execute=…", "unix=…" (paths from the root on), "bind=9100", "connect=443",
     * "udp", "syscalls=chmod", "environment=PGPASSFILE". It gives the plugin nothing: where the configuration does not allow
     * all of it the plugin is refused, and the line that would allow it is told. May be NULL. */
    const char *const *needs;
} schedhost_plugin;

/* The entry: the one symbol that a plugin exports. Pure: the same answer each time, no side effect, since
 * the host may call it in a worker that only looks. Never unloaded. */
SCHEDHOST_EXTERN_C SCHEDHOST_EXPORT SCHEDHOST_RETURNS_NONNULL const schedhost_plugin *schedhost_plugin_v1(void);

#ifdef __cplusplus
#define SCHEDHOST_LANGUAGE SCHEDHOST_LANGUAGE_CXX
#else
#define SCHEDHOST_LANGUAGE SCHEDHOST_LANGUAGE_C
#endif

/* Makes the entry and the ELF note. Once in a plugin, at file scope, without a semicolon. */
#define SCHEDHOST_PLUGIN(descriptor) SCHEDHOST_PLUGIN_NEEDS(descriptor, 0u)

/* The same for a plugin that runs only on a host with at least that minor of the ABI. */
#define SCHEDHOST_PLUGIN_NEEDS(descriptor, minor)                                                        \
    SCHEDHOST_NOTE static const schedhost_note schedhost_note_v1 = {                                     \
        10u, 16u, 1u, "schedhost", SCHEDHOST_ABI_MAJOR, SCHEDHOST_ABI_MINOR, (minor), SCHEDHOST_LANGUAGE}; \
    SCHEDHOST_EXTERN_C SCHEDHOST_EXPORT const schedhost_plugin *schedhost_plugin_v1(void) { return (descriptor); }

#endif

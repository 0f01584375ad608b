/* Versions, sizes, open enumerations and the ELF note. Included by <schedhost/plugin.h>. */
#ifndef SCHEDHOST_ABI_H
#define SCHEDHOST_ABI_H

#include <stddef.h>
#include <stdint.h>

/* The ABI of this header. A new major is a new entry symbol; a new minor only appends. */
#define SCHEDHOST_ABI_MAJOR 1u
#define SCHEDHOST_ABI_MINOR 1u

/* The name of the one symbol that a plugin exports. */
#define SCHEDHOST_ENTRY_SYMBOL "schedhost_plugin_v1"

/* The first member of a struct that may grow: `{SCHEDHOST_SIZED(schedhost_plugin), .id = …}`. C11, C++20. */
#define SCHEDHOST_SIZED(type) .struct_size = (uint32_t)sizeof(type)

/* Whether the struct at `pointer` is long enough to hold `field`: false for what a struct of an
 * older minor lacks. For a function pointer test it for NULL as well. */
#define SCHEDHOST_HAS(type, pointer, field) \
    ((pointer)->struct_size >= offsetof(type, field) + sizeof((pointer)->field))

#if defined(__GNUC__)
#define SCHEDHOST_EXPORT __attribute__((visibility("default")))
#define SCHEDHOST_RETURNS_NONNULL __attribute__((returns_nonnull))
#define SCHEDHOST_PRINTF(text, first) __attribute__((format(printf, text, first), unused))
#define SCHEDHOST_NOTE __attribute__((section(".note.schedhost"), used, aligned(4)))
#else
#error "schedhost plugins are built with gcc or clang"
#endif

#ifdef __cplusplus
#define SCHEDHOST_EXTERN_C extern "C"
#else
#define SCHEDHOST_EXTERN_C extern
#endif

/* What a callback returns: SCHEDHOST_OK, or any other number for an error. Codes from 1 to
 * 0x7fffffff are the plugin's own; the negative ones below are the host's. */
enum {
    SCHEDHOST_OK = 0,
    SCHEDHOST_ERROR = 1,            /* an error without a number of its own */
    SCHEDHOST_INVALID = -1,         /* an argument is out of its documented range */
    SCHEDHOST_NOT_FOUND = -2,       /* no such value */
    SCHEDHOST_REENTRANT = -3,       /* a cache's source asked for its own cache */
    SCHEDHOST_SOURCE_FAILED = -4,   /* a cache's source failed, and nothing may be served instead */
    SCHEDHOST_TOO_LARGE = -5,       /* a value is over its bound */
    SCHEDHOST_UNSUPPORTED = -6,     /* the host is older than what is asked for */
    SCHEDHOST_NOT_HERE = -7,        /* the function may not be called on this thread or at this time */
    /* Since 1.1. The host asks to stop: what a call waited for did not come. A cycle that returns it while the host asks
     * to stop has ended as it should. */
    SCHEDHOST_STOPPED = -8
};

/* The levels of the log. A number in between is allowed and is shown as the level below it. */
enum {
    SCHEDHOST_LOG_TRACE = 5,
    SCHEDHOST_LOG_DEBUG = 10,
    SCHEDHOST_LOG_INFO = 20,
    SCHEDHOST_LOG_SUCCESS = 25,
    SCHEDHOST_LOG_WARNING = 30,
    SCHEDHOST_LOG_ERROR = 40,
    SCHEDHOST_LOG_CRITICAL = 50
};

/* The names that these levels had first. ERROR has none: SCHEDHOST_ERROR is what a callback returns. */
#define SCHEDHOST_TRACE SCHEDHOST_LOG_TRACE
#define SCHEDHOST_DEBUG SCHEDHOST_LOG_DEBUG
#define SCHEDHOST_INFO SCHEDHOST_LOG_INFO
#define SCHEDHOST_SUCCESS SCHEDHOST_LOG_SUCCESS
#define SCHEDHOST_WARNING SCHEDHOST_LOG_WARNING
#define SCHEDHOST_CRITICAL SCHEDHOST_LOG_CRITICAL

/* The bounds of what a plugin hands to the host. Texts are counted in bytes, without their NUL; one that is longer
 * is cut at the end of a character, names and keys are refused. A later minor may raise a bound. */
#define SCHEDHOST_MAX_NAME 64u             /* a name in a descriptor */
#define SCHEDHOST_MAX_DESCRIPTION 200u     /* a version, or a description: one line, refused when it is longer */
#define SCHEDHOST_MAX_ROUTINES 131072u     /* routines of a plugin */
#define SCHEDHOST_MAX_PARAMETERS 1000u     /* declared parameters of a plugin */
#define SCHEDHOST_MAX_WAIT_MS 2678400000u  /* a wait, a timeout or one sleep: 31 days */
#define SCHEDHOST_MAX_RETRY_MS 86400000u   /* the delay of a retry: one day; a longer one is taken for this */
#define SCHEDHOST_MAX_SCHEDULE 1024u       /* the text of a schedule */
#define SCHEDHOST_MAX_LOG 65536u           /* an entry of the log */
#define SCHEDHOST_MAX_MESSAGE 4096u        /* the text of an error, and the reason of an end */
#define SCHEDHOST_MAX_STAT 2048u           /* the text of a record's column */
#define SCHEDHOST_MAX_STAT_NAME 128u       /* a column's name */
#define SCHEDHOST_MAX_STATS 64u            /* the columns that a session may name */
#define SCHEDHOST_MAX_HISTORY 10u          /* sessions that a routine can learn of */
#define SCHEDHOST_MAX_HISTORY_TEXT 240u    /* the text of each */
#define SCHEDHOST_MAX_CACHE_NAME 4096u     /* a cache's name */
#define SCHEDHOST_MAX_KEY 65536u           /* a key of a cache */

/* The phase in which an error came up. */
enum {
    SCHEDHOST_PHASE_NONE = 0,
    SCHEDHOST_PHASE_LOAD = 1,
    SCHEDHOST_PHASE_START = 2,
    SCHEDHOST_PHASE_ROUTINE = 3,
    SCHEDHOST_PHASE_SLEEP = 4,
    SCHEDHOST_PHASE_CACHE = 5,
    SCHEDHOST_PHASE_STATS = 6,
    SCHEDHOST_PHASE_STOP = 7,
    SCHEDHOST_PHASE_HOOK = 8
};

/* What to do about an error. An unknown number means SCHEDHOST_DECIDE_DEFAULT. */
enum {
    SCHEDHOST_DECIDE_DEFAULT = 0,     /* what the host's configuration says; without one, end the session */
    SCHEDHOST_DECIDE_CONTINUE = 1,    /* count it; the next cycle comes when due */
    SCHEDHOST_DECIDE_RETRY = 2,       /* the same cycle again after retry_ms, as the next attempt */
    SCHEDHOST_DECIDE_END_SESSION = 3, /* end the session; the restart policy applies */
    SCHEDHOST_DECIDE_STOP = 4,        /* end it; the routine stays stopped until a person or a new file starts it */
    SCHEDHOST_DECIDE_QUARANTINE = 5   /* shut the routine out until its file changes or a person resumes it */
};

/* How the session before this one ended. */
enum {
    SCHEDHOST_BEFORE_NONE = 0,    /* there was none */
    SCHEDHOST_BEFORE_CLEAN = 1,   /* complete or stopped */
    SCHEDHOST_BEFORE_ERROR = 2,   /* an error ended it */
    SCHEDHOST_BEFORE_CRASH = 3,   /* the worker died: a signal, an exit, a dead peer or a dead host */
    SCHEDHOST_BEFORE_TIMEOUT = 4  /* a cycle hung and was ended */
};

/* The language that a plugin says it is written in; for display only. */
enum {
    SCHEDHOST_LANGUAGE_OTHER = 0,
    SCHEDHOST_LANGUAGE_C = 1,
    SCHEDHOST_LANGUAGE_SWIFT = 2,
    SCHEDHOST_LANGUAGE_CXX = 3
};

/* The ELF note `.note.schedhost`, laid out as elf(5) says of Nhdr: three words of sizes and type, the
 * padded name, and four words. The host reads it before any of the plugin's code runs. */
typedef struct schedhost_note {
    uint32_t name_size;        /* 10, with the NUL */
    uint32_t descriptor_size;  /* 16 */
    uint32_t type;             /* 1 */
    char name[12];             /* "schedhost" */
    uint32_t abi_major;        /* SCHEDHOST_ABI_MAJOR of the header it was compiled with */
    uint32_t abi_minor;        /* SCHEDHOST_ABI_MINOR of that header: information, never a requirement */
    uint32_t needs_minor;      /* the least minor that the plugin needs; the descriptor's may say more */
    uint32_t language;         /* SCHEDHOST_LANGUAGE_… */
} schedhost_note;

#endif

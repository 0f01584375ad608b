/* A plugin whose descriptor, note or entry is wrong in one way, which -DBAD=… chooses from the list below.
 * Each must be refused with a message that names the field. Without -DBAD (or with GOOD) it is a good plugin. */
#include <schedhost/plugin.h>

#define GOOD 0
#define NULL_ID 1
#define NULL_NAME 2
#define NULL_RUN 3
#define DUPLICATE_ROUTINE 4
#define EMPTY_LIST 5
#define NULL_LIST 6
#define SMALL_STRUCT 7       /* the plugin's struct_size is 8: there is no id in it */
#define SMALL_ROUTINE 8      /* the routine's struct_size ends before `run` */
#define UNKNOWN_FLAG 9       /* of the plugin */
#define UNKNOWN_ROUTINE_FLAG 10
#define NEWER_MINOR 11       /* needs minor 99, says the descriptor */
#define NEWER_MINOR_NOTE 12  /* the same, says the note: refused before it is loaded */
#define WRONG_MAJOR 13       /* in the note */
#define WRONG_NOTE_SIZE 14   /* the note's descriptor is cut to 8 bytes */
#define NO_NOTE 15
#define NO_ENTRY 16
#define NULL_ENTRY 17        /* the entry returns NULL */
#define BAD_ID 18            /* "../bad" */
#define BAD_NAME 19          /* a space in the routine's name */
#define LONG_NAME 20         /* 65 characters */
#define WAIT_RANGE 21        /* 31 days and 1 ms */
#define NULL_VERSION 22
#define BAD_PARAMETER_TYPE 23
#define NULL_PARAMETER_NAME 24
#define UNRESOLVED 25        /* calls a function that nobody defines */
#define UNKNOWN_PARAMETER_FLAG 26
#define BAD_SCHEDULE 27      /* an hour that there is not */
#define SIX_FIELDS 28        /* a schedule of cron's with seconds */
#define NO_ZONE 29           /* a schedule in a zone that there is not */
#define WAIT_AND_SCHEDULE 30
#define BAD_NEED 31           /* a path that is not from the root on */

#ifndef BAD
#define BAD GOOD
#endif

#define CHOOSE(which, bad, good) (BAD == (which) ? (bad) : (good))
#define SIXTY_FIVE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#if BAD == UNRESOLVED
extern int32_t no_such_function_anywhere(void);
#endif

#if BAD != NULL_RUN
static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    (void)scheduler, (void)user;
#if BAD == UNRESOLVED
    return no_such_function_anywhere();
#else
    return SCHEDHOST_OK;
#endif
}
#define RUN run
#else
#define RUN NULL
#endif

static const schedhost_parameter parameter = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = CHOOSE(BAD_PARAMETER_TYPE, 99, SCHEDHOST_PARAM_INT),
    .name = CHOOSE(NULL_PARAMETER_NAME, NULL, "number"),
    .default_value = "1",
    .flags = CHOOSE(UNKNOWN_PARAMETER_FLAG, 0x80u, 0u),
};
static const schedhost_parameter *const parameters[] = {&parameter, NULL};

static const schedhost_routine routine = {
    .struct_size = CHOOSE(SMALL_ROUTINE, 56u, (uint32_t)sizeof(schedhost_routine)),
    .flags = CHOOSE(UNKNOWN_ROUTINE_FLAG, 0x80000000u, 0u),
    .name = CHOOSE(NULL_NAME, NULL, CHOOSE(BAD_NAME, "bad name", CHOOSE(LONG_NAME, SIXTY_FIVE, "run"))),
    .wait_ms = CHOOSE(WAIT_RANGE, 2678400001u, BAD >= BAD_SCHEDULE && BAD <= NO_ZONE ? 0u : 1000u),
    .run = RUN,
    .schedule = CHOOSE(BAD_SCHEDULE, "Mon 25:00",
                       CHOOSE(SIX_FIELDS, "0 30 9 * * 1-5",
                              CHOOSE(NO_ZONE, "10:00 Europe/Berln", CHOOSE(WAIT_AND_SCHEDULE, "10:00", NULL)))),
};
static const schedhost_routine *const routines[] = {
    CHOOSE(EMPTY_LIST, NULL, &routine),
#if BAD == DUPLICATE_ROUTINE
    &routine,
#endif
    NULL,
};

static const char *const needs[] = {"bind=9100", CHOOSE(BAD_NEED, "write=out", "write=/srv/out"), NULL};

static const schedhost_plugin plugin = {
    .struct_size = CHOOSE(SMALL_STRUCT, 8u, (uint32_t)sizeof(schedhost_plugin)),
    .flags = CHOOSE(UNKNOWN_FLAG, 0x80000000u, 0u),
    .id = CHOOSE(NULL_ID, NULL, CHOOSE(BAD_ID, "../bad", "bad-descriptor")),
    .version = CHOOSE(NULL_VERSION, NULL, "1.0.0"),
    .needs_minor = CHOOSE(NEWER_MINOR, 99u, 0u),
    .parameters = parameters,
    .routines = CHOOSE(NULL_LIST, NULL, routines),
    .needs = needs,
};
static const schedhost_plugin *volatile answer = BAD == NULL_ENTRY ? NULL : &plugin;

#if BAD != NO_NOTE
SCHEDHOST_NOTE static const schedhost_note note = {
    .name_size = 10u,
    .descriptor_size = CHOOSE(WRONG_NOTE_SIZE, 8u, 16u),
    .type = 1u,
    .name = "schedhost",
    .abi_major = CHOOSE(WRONG_MAJOR, SCHEDHOST_ABI_MAJOR + 1u, SCHEDHOST_ABI_MAJOR),
    .abi_minor = SCHEDHOST_ABI_MINOR,
    .needs_minor = CHOOSE(NEWER_MINOR_NOTE, 99u, 0u),
    .language = SCHEDHOST_LANGUAGE_C,
};
#endif

#if BAD != NO_ENTRY
const schedhost_plugin *schedhost_plugin_v1(void) {
    return answer;
}
#else
/* Exported, so that the file is not empty to the eye. */
SCHEDHOST_EXPORT const schedhost_plugin *not_the_entry(void);
const schedhost_plugin *not_the_entry(void) {
    return answer;
}
#endif

/* What a dying worker leaves in a shared page: which thread died, and where. In C, since a signal handler may do
 * nothing that allocates, locks or retains. */
#ifndef CHOSTSYSTEMCRASH_H
#define CHOSTSYSTEMCRASH_H

#include <stdint.h>

#define CHS_CRASH_FRAMES 24
#define CHS_CRASH_IMAGE 128
#define CHS_CRASH_WORDS 256

/* One frame: a file that is loaded, and an offset in it. */
struct chs_crash_frame {
    uint64_t offset;
    char image[CHS_CRASH_IMAGE]; /* the file's name without its directory */
};

#define CHS_REFUSED_CALLS 16

/* The backtracer runs within the limits of the worker that it reports on. Where a control group holds them, the handler
 * waits until the supervisor has extended them. */
#define CHS_ROOM_ENOUGH 0
#define CHS_ROOM_WANTED 1
#define CHS_ROOM_MADE 2

/* A system call that the sandbox has refused, and where it was made the first time. */
struct chs_refused_call {
    int32_t call;   /* its number */
    int32_t thread; /* the kernel's id */
    uint32_t times;
    uint32_t state; /* 0: unused, 1: being filled, 2: whole */
    uint64_t arguments[2];
    struct chs_crash_frame frame;
};

/* The page. Other processes trust nothing in it: plugin code can write here. */
struct chs_crash_page {
    int32_t signal; /* 0: no signal came */
    int32_t thread; /* the kernel's id */
    uint32_t count; /* frames, the innermost first */
    uint32_t room;  /* CHS_ROOM_... : whether the report must wait for the supervisor */
    char words[CHS_CRASH_WORDS]; /* why the worker ends itself */
    struct chs_crash_frame frames[CHS_CRASH_FRAMES];
    struct chs_refused_call refused[CHS_REFUSED_CALLS];
    uint32_t refusals; /* how many calls were refused: a change says that it is worth while to read the rest */
};

/* From now on the signals that end this process fill this page, after the handlers that are set now have run, and shut
 * down the sending side of this socket at once. The soft limits of memory and processes rise to the hard ones first, and
 * whatever is executed then has the descriptor `report` too, unless it is -1. */
void chs_crash_watch(struct chs_crash_page *page, int channel, int report);
/* Gives the calling thread a stack for signal handlers, so that a stack overflow can be reported; 0, or -1. */
int chs_crash_give_stack(void);
/* Takes it away, before the thread ends. */
void chs_crash_take_stack(void);
/* Notes why the process is about to end. */
void chs_crash_say(const char *words);
/* Calls `ended` if the calling thread ends before chs_thread_may_end; pthread_key_create(3). */
void chs_thread_must_stay(void (*ended)(void));
void chs_thread_may_end(void);
/* A function's name as people write it, from the linker's; NULL if it is not a name of C++ or Swift. The caller frees. */
char *chs_demangle(const char *name);

#endif

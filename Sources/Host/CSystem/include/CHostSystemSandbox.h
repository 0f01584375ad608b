/* Landlock and seccomp by their system calls: glibc has no wrappers, and installed headers may be older than the running
 * kernel. landlock(7), seccomp(2). */
#ifndef CHOSTSYSTEM_SANDBOX_H
#define CHOSTSYSTEM_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* What can be enforced: of the bits that are in it, those stay that the kernel takes. */
struct chs_sandbox_support {
    uint64_t files, ports, scopes;
    int32_t abi;     /* of Landlock; 0: there is none */
    int32_t filters; /* whether system calls can be filtered */
};
void chs_sandbox_ask(struct chs_sandbox_support *support);

/* What a worker may do, in this order, each part beginning at a multiple of 8:
 *
 *     this head
 *     instructions  struct sock_filter
 *     slots         uint32_t: instructions whose operand is to be the own process id; an even number of words
 */
struct chs_sandbox_head {
    uint32_t instruction_count, slot_count;
    uint32_t is_watched; /* the filter's asking answers are put to who takes CHS_LISTENER from this process */
    uint32_t unused;
};

/* Where a watched process has the descriptor by which it is answered. */
#define CHS_LISTENER 99

/* Applies a policy, and a Landlock ruleset unless that is -1, to the calling thread and to all that it starts, for good. The
 * policy is written to. 0, or -1 with errno, and `step` is the call that failed. */
int chs_sandbox_apply(void *policy, size_t size, int ruleset, const char **step);

/* What a path leads to. A file keeps these numbers as long as it exists, and no other one has them while it is open or a
 * ruleset has a rule for it. */
struct chs_place {
    uint64_t device, inode;
    int64_t born;   /* ns since 1970; 0 where the file system does not say */
    uint64_t mount; /* of the mount by which it was reached; 0 before Linux 5.8 */
    int32_t is_folder, unused;
};

/* Opens a path only to name what is there. open(2), O_PATH. -1 with errno. */
int chs_place_open(const char *path);
/* The same where no part of the path is a link; else -1 with errno, which is ENOSYS or EPERM where the kernel or a container does
 * not have the call. openat2(2) */
int chs_place_open_plain(const char *path);
/* The same on each kernel, for an absolute path without empty parts or dots. */
int chs_place_open_exact(const char *path);
/* What is open, or what is at a path where `place` is -1. statx(2). 0, or -1 with errno. */
int chs_place_look(int place, const char *path, struct chs_place *found);

/* A ruleset that handles these rights, close-on-exec; -1 with errno. */
int chs_ruleset_make(uint64_t files, uint64_t ports, uint64_t scopes);
/* Adds a rule for what was opened; of the rights, one that is no folder gets those that it can have. 0, or -1 with errno. */
int chs_ruleset_allow(int ruleset, uint64_t rights, int place, int is_folder);
/* The same for `count` that are open: of each its descriptor, and 1 for a folder or else 0. */
int chs_ruleset_allow_all(int ruleset, uint64_t rights, const int32_t *places, size_t count);
int chs_ruleset_allow_port(int ruleset, uint64_t rights, uint64_t port);

/* A system call that a watched process is about to make, and that waits for an answer. */
struct chs_asked_call {
    uint64_t id, arguments[6];
    int32_t thread;
    uint32_t number;
};

/* Takes a descriptor of another process. pidfd_getfd(2). -1 with errno. */
int chs_listener_take(int32_t pid, int32_t number);

/* The next call. 1; 0 where none came for so long; -1 when nobody is left. */
int chs_listener_next(int listener, int patience_ms, struct chs_asked_call *call);

/* Lets a call be made. */
void chs_listener_allow(int listener, uint64_t id);

/* Reads another process's memory, up to the end of a page; how many bytes, or -1. */
long chs_peek(int32_t thread, uint64_t address, void *to, size_t size);

/* Whether a descriptor of a thread's process is a socket of streams. */
int chs_is_stream(int32_t thread, int32_t number);

#endif

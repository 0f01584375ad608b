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

/* What a worker may touch, in this order, each part beginning at a multiple of 8:
 *
 *     this head
 *     instructions  struct sock_filter
 *     slots         uint32_t: instructions whose operand is to be the own process id; an even number of words
 *     ports         uint64_t rights, uint64_t port
 *     paths         uint64_t rights, the path with its NUL, zeros up to a multiple of 8; with bit 63 among the rights
 *                   links in it are not followed, and where there is one it is passed over
 */
struct chs_sandbox_head {
    uint64_t files, ports, scopes; /* what is refused where no rule allows it */
    uint32_t path_count, port_count, instruction_count, slot_count;
    uint32_t is_watched; /* the filter's asking answers are put to who takes CHS_LISTENER from this process */
    uint32_t unused;
};

/* Where a watched process has the descriptor by which it is answered. */
#define CHS_LISTENER 99

/* Applies a policy to the calling thread and to all that it starts, for good. A path that is not there is passed over, as
 * one that no rule can be for. The policy is written to. 0, or -1 with errno, and `step` is the call that failed. */
int chs_sandbox_apply(void *policy, size_t size, const char **step);

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

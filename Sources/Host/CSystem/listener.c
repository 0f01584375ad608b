#define _GNU_SOURCE
#include <CHostSystemSandbox.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The same numbers on all processors. */
#define PIDFD_OPEN 434
#define PIDFD_GETFD 438

int chs_listener_take(int32_t pid, int32_t number) {
    int process = (int)syscall(PIDFD_OPEN, pid, 0u);
    if (process < 0) {
        return -1;
    }
    int taken = (int)syscall(PIDFD_GETFD, process, number, 0u);
    int error = errno;
    (void)close(process);
    errno = error;
    return taken;
}

int chs_listener_next(int listener, int patience_ms, struct chs_asked_call *call) {
    struct pollfd wanted = {.fd = listener, .events = POLLIN};
    /* A later kernel's is longer. */
    union {
        struct seccomp_notif asked;
        char room[512];
    } next;
    int ready = poll(&wanted, 1, patience_ms);
    if (ready <= 0) {
        return ready == 0 || errno == EINTR ? 0 : -1;
    }
    if ((wanted.revents & POLLIN) == 0) {
        return -1; /* nobody is left who could ask */
    }
    memset(&next, 0, sizeof next);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &next.asked) != 0) {
        return errno == EINTR || errno == ENOENT ? 0 : -1;
    }
    call->id = next.asked.id;
    call->thread = (int32_t)next.asked.pid;
    call->number = (uint32_t)next.asked.data.nr;
    memcpy(call->arguments, next.asked.data.args, sizeof call->arguments);
    return 1;
}

void chs_listener_allow(int listener, uint64_t id) {
    struct seccomp_notif_resp answer = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

long chs_peek(int32_t thread, uint64_t address, void *to, size_t size) {
    /* Not beyond the page: the next one may not be there. */
    size_t rest = 4096 - (size_t)(address % 4096);
    struct iovec here = {to, size < rest ? size : rest};
    struct iovec there = {(void *)(uintptr_t)address, here.iov_len}; /* NOLINT: it is another process's */
    return (long)process_vm_readv(thread, &here, 1, &there, 1, 0);
}

/* The process of a thread: only that has a descriptor to be had. */
static int32_t process_of(int32_t thread) {
    char path[64];
    char line[128];
    int32_t process = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    FILE *file = fopen(path, "re");
    while (file != NULL && process < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Tgid:", 5) == 0) {
            process = (int32_t)strtol(line + 5, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return process;
}

int chs_is_stream(int32_t thread, int32_t number) {
    int kind = 0;
    socklen_t length = sizeof kind;
    int taken = chs_listener_take(process_of(thread), number);
    int is_stream = taken >= 0 && getsockopt(taken, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 && kind == SOCK_STREAM;
    if (taken >= 0) {
        (void)close(taken);
    }
    return is_stream;
}

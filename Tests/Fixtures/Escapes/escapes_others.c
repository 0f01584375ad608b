/* Attempts by other ways: the kernel's own machinery, programs, the terminal. */
#define _GNU_SOURCE
#include "escapes.h"

#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

static int uring(void) {
    char parameters[120] = {0};
    return result(syscall(SYS_io_uring_setup, 1, parameters));
}
static int namespace_of_users(void) { return result(unshare(CLONE_NEWUSER)); }
static int execute_true(void) {
    (void)execl("/bin/true", "true", (char *)NULL);
    return errno;
}
static int program(void) { return in_child(execute_true); }
static int execute_memory(void) {
    int memory = memfd_create("x", 0), source = open("/bin/true", O_RDONLY);
    char bytes[65536], *none[] = {"true", NULL};
    for (ssize_t count; (count = read(source, bytes, sizeof bytes)) > 0;) {
        if (write(memory, bytes, (size_t)count) != count) {
            return EIO;
        }
    }
    (void)fexecve(memory, none, environ);
    return errno;
}
static int memory_program(void) { return in_child(execute_memory); }
static int key(void) { return result(syscall(SYS_add_key, "user", "x", "x", 1, -4)); }
static int segment(void) { return result(shmget(IPC_PRIVATE, 4096, 0600)); }
static int performance(void) {
    struct perf_event_attr attributes = {.size = sizeof attributes};
    return result(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}
static int old_call(void) {
#if defined(__x86_64__)
    int number;
    __asm__ volatile("int $0x80" : "=a"(number) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    return number > 0 ? 0 : EPERM;
#else
    return EPERM;
#endif
}
static int old_architecture(void) { return in_child(old_call); }
static int type_into_terminal(void) {
    char letter = 'x';
    return result(ioctl(0, TIOCSTI, &letter));
}
static int terminal(void) { return open_and_close("/dev/tty", O_RDWR); }
static int terminals(void) { return open_and_close("/dev/pts", O_RDONLY | O_DIRECTORY); }
static int new_terminal(void) { return open_and_close("/dev/ptmx", O_RDONLY | O_NOCTTY); }
static int devices(void) { return open_and_close("/dev", O_RDONLY | O_DIRECTORY); }
static int randomness(void) { return open_and_close("/dev/urandom", O_RDONLY); }
static int refuse_with_blocked_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return result(unshare(CLONE_NEWUSER));
}
static int blocked_signal(void) { return in_child(refuse_with_blocked_signal); }
static int program_for_cores(void) { return open_and_close("/proc/sys/kernel/core_pattern", O_WRONLY); }

const struct attempt other_attempts[] = {
    {"io_uring_setup", uring},
    {"unshare(NEWUSER)", namespace_of_users},
    {"exec /bin/true", program},
    {"exec of a memfd", memory_program},
    {"add_key user keyring", key},
    {"shmget", segment},
    {"perf_event_open", performance},
    {"int 0x80 (32-bit getpid)", old_architecture},
    {"TIOCSTI", type_into_terminal},
    {"/dev/tty", terminal},
    {"/dev/pts", terminals},
    {"/dev/ptmx", new_terminal},
    {"/dev", devices},
    {"/dev/urandom", randomness},
    {"unshare with SIGSYS blocked", blocked_signal},
    {"write core_pattern", program_for_cores},
    {NULL, NULL},
};

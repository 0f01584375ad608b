/* What a process says when code that it has loaded ends it: for who tries a plugin in his own terminal. signal-safety(7). */
#define _GNU_SOURCE
#include "CHostSystem.h"
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct chs_last_words words;
static volatile sig_atomic_t may_exit;
static pid_t owner; /* 0: nothing is to be said. A child of the plugin's has other words than this process. */
static int stop_bell = -1;

static void say(const char *text) {
    size_t done = 0, size = strlen(text);
    while (done < size) {
        ssize_t count = write(STDERR_FILENO, text + done, size - done);
        if (count <= 0) return;
        done += (size_t)count;
    }
}

static void say_crashed(int number) {
    say("schedhost: ");
    say(sigabbrev_np(number) ? "SIG" : "");
    say(sigabbrev_np(number) ? sigabbrev_np(number) : "a signal");
    say(words.crash);
}

/* The signal's default follows. A fault comes again, because its instruction is executed again. What was sent, and what comes
 * after its instruction, does not: it is raised again. sigaction(2) */
static void crashed(int number, siginfo_t *information, void *context) {
    (void)context;
    if (getpid() == owner) say_crashed(number);
    if (information->si_code <= 0 || number == SIGTRAP || number == SIGSYS) (void)raise(number);
}

static int is_ours(void) { return owner == 0 || may_exit || getpid() != owner; }

/* Says that the plugin has ended the process, and returns the status to end with. */
static int ended(int status) {
    if (is_ours()) return status;
    may_exit = 1;
    say(words.exit);
    return status ? status : 1;
}

static void exited(int status, void *unused) {
    (void)unused;
    if (!is_ours()) _exit(ended(status));
}

static void quickly_exited(void) {
    if (!is_ours()) _exit(ended(0));
}

/* libc has functions of these names, so the linker exports them, and a plugin calls these. libc itself calls its own, also at
 * the end of exit(3). _exit(2) */
__attribute__((visibility("default"))) void _exit(int status) {
    int last = ended(status);
    for (;;) syscall(SYS_exit_group, last);
}

__attribute__((visibility("default"))) void _Exit(int status) { _exit(status); }

/* Another program takes this one's place: that succeeds without a word otherwise. execve(2) */
__attribute__((visibility("default"))) int execve(const char *path, char *const arguments[], char *const environment[]) {
    if (!is_ours() && access(path, X_OK) == 0) say(words.replaced);
    return (int)syscall(SYS_execve, path, arguments, environment);
}

__attribute__((visibility("default"))) int execv(const char *path, char *const arguments[]) {
    return execve(path, arguments, environ);
}

void chs_have_last_words(const struct chs_last_words *given) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    words = *given;
    owner = getpid();
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction now, action = {.sa_sigaction = crashed};
        action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK | SA_NODEFER;
        /* A sanitizer or Swift's backtracer has a handler already, which says more. */
        if (sigaction(numbers[index], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(numbers[index], &action, NULL);
    }
    on_exit(exited, NULL);
    at_quick_exit(quickly_exited);
}

void chs_may_exit(void) { may_exit = 1; }

/* Who runs the program asks it to stop; a plugin that sends itself such a signal ends the process by it. */
static void asked_to_stop(int number, siginfo_t *information, void *context) {
    int before = errno;
    uint64_t one = 1;
    (void)context;
    if (information->si_pid == getpid() && information->si_code <= 0) {
        say_crashed(number);
        (void)signal(number, SIG_DFL);
        (void)raise(number); /* it comes when this handler has returned */
    } else {
        ssize_t written = write(stop_bell, &one, sizeof one);
        (void)written;
    }
    errno = before;
}

int chs_ring_at_stop(int bell) {
    struct sigaction action = {.sa_sigaction = asked_to_stop, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    stop_bell = bell;
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 ? 0 : -1;
}

/* What a process says when code that it has loaded ends it: for who tries a plugin in his own terminal. signal-safety(7). */
#define _GNU_SOURCE
#include "CHostSystem.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *crash_words, *exit_words;
static volatile sig_atomic_t may_exit;

static void say(const char *text) {
    size_t done = 0, size = strlen(text);
    while (done < size) {
        ssize_t count = write(STDERR_FILENO, text + done, size - done);
        if (count <= 0) return;
        done += (size_t)count;
    }
}

/* The signal's default follows: the instruction is executed again, or abort(3) raises it again. */
static void crashed(int number) {
    say("schedhost: ");
    say(sigabbrev_np(number) ? "SIG" : "");
    say(sigabbrev_np(number) ? sigabbrev_np(number) : "a signal");
    say(crash_words);
}

static void exited(int status, void *unused) {
    (void)unused;
    if (may_exit) return;
    say(exit_words);
    _exit(status ? status : 1);
}

void chs_have_last_words(const char *at_crash, const char *at_exit) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    crash_words = at_crash;
    exit_words = at_exit;
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction now, action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_ONSTACK | SA_NODEFER};
        /* A sanitizer or Swift's backtracer has a handler already, which says more. */
        if (sigaction(numbers[index], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaction(numbers[index], &action, NULL);
    }
    on_exit(exited, NULL);
}

void chs_may_exit(void) { may_exit = 1; }

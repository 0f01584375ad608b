/* A tiny host for testing one plugin, in one thread and without waiting:
 *
 *     harness PLUGIN.so [NAME=VALUE…] < script
 *
 * It loads the plugin, starts its first routine, obeys the script and ends in order. Log lines, stats and errors come
 * out as plain lines. The script's lines:
 *
 *     run [N]       N cycles (1); each steps the clock by the wait
 *     drain         cycles until one does not ask to run again at once; prints how many
 *     restart       ends the session and starts another one in the same process
 *     session 0|1   goes on with that one of two sessions, and starts it if it has not begun: as two instances of a
 *                   plugin that share a process
 *     sh COMMAND    runs a shell command; a failure ends the harness
 *     clock MS      steps the clock
 *     stop 0|1      what stop_requested answers
 *     caches 0|1    whether the host has caches
 *     corrupt [AT]  turns a bit of that byte (0) of each cached value
 *     level N       shows log lines from this level on (20)
 *     say TEXT      prints TEXT
 *
 * Exit status: 0; 1 when the plugin cannot be loaded or a shell command fails; 2 for a wrong script. */
#include "harness.h"

#include <dlfcn.h>
#include <stdlib.h>

static const schedhost_scheduler schedulers[] = {
    {SCHEDHOST_SIZED(schedhost_scheduler), .host = &harness_host},
    {SCHEDHOST_SIZED(schedhost_scheduler), .host = &harness_host},
};
static const schedhost_routine *routine;
static int current; /* which of the sessions callbacks are for */
static int started[2];
static int failed; /* the last cycle was an error, which would end the session of a real host */

/* Prints the error of a callback, and gives its code back. */
static int32_t report(const char *phase, int32_t code) {
    if (code != SCHEDHOST_OK) {
        printf("error %s %" PRId32 ": %s\n", phase, code, harness.failure);
    }
    harness.failure[0] = '\0';
    return code;
}

static void start_session(void) {
    harness.place.cycle = 0;
    harness.place.session_start_ms = harness.now_ms;
    harness.wait_ms = routine->wait_ms;
    harness.ended = 0;
    started[current] = routine->start == NULL || report("start", routine->start(&schedulers[current], routine->user)) == SCHEDHOST_OK;
}

static void end_session(void) {
    if (!started[current]) {
        return;
    }
    if (routine->stats != NULL) {
        (void)report("stats", routine->stats(&schedulers[current], routine->user));
    }
    if (routine->stop != NULL) {
        (void)report("stop", routine->stop(&schedulers[current], routine->user));
    }
    harness.place.session_before = failed ? SCHEDHOST_BEFORE_ERROR : SCHEDHOST_BEFORE_CLEAN;
    failed = 0;
    started[current] = 0;
}

/* One cycle; whether it asks for the next one at once. */
static int cycle(void) {
    if (!started[current] || harness.ended) {
        printf("no session\n");
        return 0;
    }
    harness.again = 0;
    failed = report("routine", routine->run(&schedulers[current], routine->user)) != SCHEDHOST_OK;
    harness.place.cycle++;
    harness.place.lifetime_cycles++;
    harness.now_ms += harness.again ? 0 : (int64_t)harness.wait_ms;
    return harness.again;
}

static void corrupt(size_t at) {
    for (size_t i = 0; i < sizeof harness.caches / sizeof harness.caches[0]; i++) {
        if (harness.caches[i].bytes != NULL && harness.caches[i].size > at) {
            harness.caches[i].bytes[at] ^= 1;
        }
    }
}

/* Obeys one line of the script; 0, or the exit status that ends the harness. */
static int obey(char *line) {
    char *argument;
    line[strcspn(line, "\n")] = '\0';
    argument = line + strcspn(line, " ");
    if (*argument == ' ') {
        *argument++ = '\0';
    }
    if (line[0] == '\0' || line[0] == '#') {
        return 0;
    }
    if (strcmp(line, "run") == 0) {
        for (long i = *argument != '\0' ? strtol(argument, NULL, 10) : 1; i > 0; i--) {
            (void)cycle();
        }
    } else if (strcmp(line, "drain") == 0) {
        int count = 1;
        while (cycle() && count < 100000) {
            count++;
        }
        printf("drained in %d\n", count);
    } else if (strcmp(line, "restart") == 0) {
        end_session();
        start_session();
    } else if (strcmp(line, "session") == 0) {
        current = *argument == '1';
        if (!started[current]) {
            start_session();
        }
    } else if (strcmp(line, "sh") == 0) {
        (void)fflush(stdout);
        if (system(argument) != 0) {
            fprintf(stderr, "harness: failed: %s\n", argument);
            return 1;
        }
    } else if (strcmp(line, "clock") == 0) {
        harness.now_ms += strtoll(argument, NULL, 10);
    } else if (strcmp(line, "stop") == 0) {
        harness.stop_requested = *argument == '1';
    } else if (strcmp(line, "caches") == 0) {
        harness.caches_off = *argument == '0';
    } else if (strcmp(line, "corrupt") == 0) {
        corrupt((size_t)strtoul(argument, NULL, 10));
    } else if (strcmp(line, "level") == 0) {
        harness.level = (int32_t)strtol(argument, NULL, 10);
    } else if (strcmp(line, "say") == 0) {
        printf("%s\n", argument);
    } else {
        fprintf(stderr, "harness: what is '%s'?\n", line);
        return 2;
    }
    return 0;
}

/* The plugin's descriptor, or NULL after a message. */
static const schedhost_plugin *open_plugin(const char *path) {
    const schedhost_plugin *(*entry)(void) = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = library != NULL ? dlsym(library, SCHEDHOST_ENTRY_SYMBOL) : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "harness: %s\n", dlerror());
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from an object to a function pointer */
    return entry();
}

int main(int count, char **arguments) {
    static struct parameter parameters[64];
    char line[4096];
    int status = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed before a crash is not lost */
    if (count < 2 || count - 2 > 64) {
        fprintf(stderr, "usage: harness PLUGIN.so [NAME=VALUE...] < script\n");
        return 64;
    }
    given.plugin = open_plugin(arguments[1]);
    if (given.plugin == NULL || given.plugin->routines == NULL || given.plugin->routines[0] == NULL) {
        return 1;
    }
    for (int i = 2; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (equals == NULL) {
            fprintf(stderr, "harness: not NAME=VALUE: %s\n", arguments[i]);
            return 64;
        }
        *equals = '\0';
        parameters[given.count].name = arguments[i];
        parameters[given.count++].value = equals + 1;
    }
    routine = given.plugin->routines[0];
    given.parameters = parameters;
    harness.level = SCHEDHOST_LOG_INFO;
    harness.now_ms = INT64_C(1700000000000);
    harness.place.struct_size = (uint32_t)sizeof harness.place;
    harness.place.attempt = 1;
    harness.place.plugin = given.plugin->id;
    harness.place.routine = routine->name;
    harness.place.session = "harness-1";

    if (given.plugin->load != NULL &&
        report("load", given.plugin->load(&schedulers[current], given.plugin->user)) != SCHEDHOST_OK) {
        return 1;
    }
    start_session();
    while (status == 0 && fgets(line, sizeof line, stdin) != NULL) {
        status = obey(line);
    }
    for (current = 0; current < 2; current++) {
        end_session();
    }
    current = 0;
    if (given.plugin->unload != NULL) {
        (void)report("unload", given.plugin->unload(&schedulers[current], given.plugin->user));
    }
    for (size_t i = 0; i < sizeof harness.caches / sizeof harness.caches[0]; i++) {
        free(harness.caches[i].bytes);
    }
    return status;
}

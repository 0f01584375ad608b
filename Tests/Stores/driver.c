/* Tries a store plugin, or measures it:
 *
 *     storecheck PLUGIN.so [--control COMMAND] [--only CHECK] [--prefix TEXT] [--log]
 *         [--measure N | --instance] [NAME=VALUE...]
 *
 * --measure tells how long N calls take, and --instance which instance the server is, in place of the checks.
 * NAME=VALUE sets a parameter of the plugin. `COMMAND WORD` is run by sh(1) to make something happen to the server; the
 * words are in store_check.h, and its exit status is 0 when it has happened. One line a check: `ok`, `FAIL` or `left out`;
 * the last one says how many. Exit status: 0; 1 when a check fails; 2 when the plugin is no store; 64 for wrong arguments. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "driver.h"
#include "store_check.h"

static unsigned held, left_out;

static int control(void *user, const char *what) {
    char command[4096];
    if ((size_t)snprintf(command, sizeof command, "%s %s", (const char *)user, what) >= sizeof command) {
        return 1;
    }
    (void)fflush(stdout);
    return system(command);
}

static void tell(void *user, const char *name, enum store_check_result result, const char *sentence) {
    (void)user;
    switch (result) {
        case STORE_CHECK_HOLDS:
            held++;
            printf("ok        %s\n", name);
            return;
        case STORE_CHECK_FAILS:
            printf("FAIL      %s: %s\n", name, sentence);
            return;
        case STORE_CHECK_LEFT_OUT:
            left_out++;
            printf("left out  %s: %s\n", name, sentence);
            return;
    }
}

/* The store of a plugin, or NULL after a message. */
static const schedhost_store *open_store(const char *path) {
    const schedhost_plugin *(*entry)(void) = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = library != NULL ? dlsym(library, SCHEDHOST_ENTRY_SYMBOL) : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "storecheck: %s\n", dlerror());
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from an object to a function pointer */
    given.plugin = entry();
    const schedhost_store *store =
        given.plugin->extension != NULL ? given.plugin->extension(SCHEDHOST_STORE_ID) : NULL;
    if (store == NULL) {
        fprintf(stderr, "storecheck: %s has no extension " SCHEDHOST_STORE_ID "\n", path);
    }
    return store;
}

static int32_t print(schedhost_writer *writer, const void *bytes, size_t size) {
    (void)writer;
    return fwrite(bytes, 1, size, stdout) == size ? SCHEDHOST_OK : SCHEDHOST_ERROR;
}
/* Opens a link, and prints what the instance is called. */
static int tell_instance(const schedhost_store *store) {
    schedhost_writer writer = {SCHEDHOST_SIZED(schedhost_writer), .write = print};
    schedhost_store_server server = {SCHEDHOST_SIZED(schedhost_store_server), .instance = &writer};
    if (store->open(&driver_scheduler, 5000, &server, store->user) != SCHEDHOST_OK) {
        fprintf(stderr, "storecheck: %s\n", driver_failure(NULL));
        return 1;
    }
    printf("%s\n", (server.flags & SCHEDHOST_STORE_STRICT) != 0 ? " strict" : "");
    store->close(server.link);
    return 0;
}

int main(int count, char **arguments) {
    static struct parameter parameters[64];
    char prefix[49];
    int instance = 0;
    size_t samples = 0;
    struct store_check_setup setup = {
        .scheduler = &driver_scheduler, .prefix = prefix, .failure = driver_failure, .tell = tell};
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed before a crash is not lost */
    (void)snprintf(prefix, sizeof prefix, "check/%d/", (int)getpid());
    for (int i = 2; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (strcmp(arguments[i], "--log") == 0) {
            driver_level = 0;
        } else if (strcmp(arguments[i], "--measure") == 0 && i + 1 < count) {
            samples = strtoul(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--instance") == 0) {
            instance = 1;
        } else if (strcmp(arguments[i], "--control") == 0 && i + 1 < count) {
            setup.control = control;
            setup.user = arguments[++i];
        } else if (strcmp(arguments[i], "--only") == 0 && i + 1 < count) {
            setup.only = arguments[++i];
        } else if (strcmp(arguments[i], "--prefix") == 0 && i + 1 < count) {
            (void)snprintf(prefix, sizeof prefix, "%s", arguments[++i]);
        } else if (equals != NULL && arguments[i][0] != '-' && given.count < 64) {
            *equals = '\0';
            parameters[given.count++] = (struct parameter){arguments[i], equals + 1};
        } else {
            fprintf(stderr, "storecheck: what is '%s'?\n", arguments[i]);
            return 64;
        }
    }
    if (count < 2) {
        fprintf(stderr, "usage: storecheck PLUGIN.so [--control COMMAND] [--only CHECK] [--measure N | --instance] [NAME=VALUE...]\n");
        return 64;
    }
    given.parameters = parameters;
    setup.store = open_store(arguments[1]);
    if (setup.store == NULL) {
        return 2;
    }
    if (instance) {
        return tell_instance(setup.store);
    }
    if (samples > 0) {
        return driver_measure(setup.store, prefix, setup.only, samples);
    }
    unsigned failed = store_check_run(&setup);
    printf("%u passed, %u failed, %u left out\n", held, failed, left_out);
    return failed > 0;
}

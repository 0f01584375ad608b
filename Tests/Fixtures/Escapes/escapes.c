/* What a hostile plugin tries first. Each attempt says its name and what came of it: 0, or the error. It is meant for a worker
 * with a sandbox; in one without it does harm to its host. */
#define _GNU_SOURCE
#include "escapes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct surroundings around;

int result(long value) { return value < 0 ? errno : 0; }

int open_and_close(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    int number = errno;
    if (file < 0) {
        return number;
    }
    (void)close(file);
    return 0;
}

/* What a child makes of it: its exit status, or 1000 and the signal that has ended it. */
int in_child(int (*act)(void)) {
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        _exit(act());
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return errno;
    }
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void join(char *to, const char *folder, const char *name) {
    (void)snprintf(to, sizeof around.home, "%s/%s", folder, name);
}

/* Another child of the host: /proc/PID/stat is everybody's to read. */
static pid_t find_neighbour(void) {
    DIR *all = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    while (all != NULL && found == 0 && (entry = readdir(all)) != NULL) {
        char path[300], text[512];
        int pid = atoi(entry->d_name), parent = 0;
        FILE *file = NULL;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        if (pid > 0 && pid != getpid() && (file = fopen(path, "r")) != NULL && fgets(text, sizeof text, file) != NULL) {
            const char *rest = strrchr(text, ')');
            if (rest != NULL && sscanf(rest, ") %*c %d", &parent) == 1 && parent == getppid()) {
                found = pid;
            }
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    if (all != NULL) {
        (void)closedir(all);
    }
    return found;
}

static void look_around(const schedhost_scheduler *scheduler) {
    const char *data = getenv("SCHEDHOST_DATA");
    (void)snprintf(around.state, sizeof around.state, "%s", schedhost_param_string(scheduler, "state", ""));
    (void)snprintf(around.plugins, sizeof around.plugins, "%s", schedhost_param_string(scheduler, "plugins", ""));
    /* Not from the root on: a path that is named so is given. */
    (void)snprintf(around.home, sizeof around.home, "%s/../home", schedhost_param_string(scheduler, "state", ""));
    (void)snprintf(around.own, sizeof around.own, "%s", data != NULL ? data : "");
    around.granted = (int)schedhost_param_int(scheduler, "granted", 0);
    around.refused = (int)schedhost_param_int(scheduler, "refused", 0);
    around.host = getppid();
    around.neighbour = find_neighbour();
}

void place(char *to, const char *folder, const char *name) { join(to, folder, name); }

static int32_t run(const schedhost_scheduler *scheduler, void *user) {
    (void)user;
    look_around(scheduler);
    const struct attempt *const tables[] = {file_attempts, process_attempts, network_attempts, other_attempts};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct attempt *attempt = tables[i]; attempt->name != NULL; attempt++) {
            int number = attempt->act();
            const char *text = number == 0 ? "works" : number > 1000 ? sigabbrev_np(number - 1000) : strerrorname_np(number);
            schedhost_info(scheduler, "attempt|%s|%s", attempt->name, text != NULL ? text : "?");
        }
    }
    schedhost_info(scheduler, "attempts are over");
    return SCHEDHOST_OK;
}

static const schedhost_routine routine = {
    SCHEDHOST_SIZED(schedhost_routine), .name = "run", .wait_ms = 3600000, .run = run};
static const schedhost_routine *const routines[] = {&routine, NULL};
static const schedhost_plugin plugin = {
    SCHEDHOST_SIZED(schedhost_plugin), .id = "escapes", .version = "1.0.0", .routines = routines};
SCHEDHOST_PLUGIN(&plugin)

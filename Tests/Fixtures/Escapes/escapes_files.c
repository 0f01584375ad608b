/* Attempts on files: of the host, of neighbours, of the user. */
#define _GNU_SOURCE
#include "escapes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static int append_records(void) {
    PATH_OF(state, "sessions.jsonl");
    return open_and_close(path, O_WRONLY | O_APPEND);
}
static int truncate_records(void) {
    PATH_OF(state, "sessions.jsonl");
    return result(truncate(path, 0));
}
static int unlink_open(void) {
    PATH_OF(state, "open.jsonl");
    return result(unlink(path));
}
static int rename_names(void) {
    char mine[512];
    PATH_OF(state, "names.json");
    place(mine, around.own, "names.json");
    return result(rename(path, mine));
}
static int exchange_records(void) {
    char mine[512];
    PATH_OF(state, "sessions.jsonl");
    place(mine, around.own, "mine");
    (void)open_and_close(mine, O_CREAT | O_RDWR);
    return result(renameat2(AT_FDCWD, path, AT_FDCWD, mine, RENAME_EXCHANGE));
}
static int link_records(void) {
    char mine[512];
    PATH_OF(state, "sessions.jsonl");
    place(mine, around.own, "linked");
    return result(link(path, mine));
}
static int write_by_link(void) {
    char mine[512];
    PATH_OF(state, "sessions.jsonl");
    place(mine, around.own, "pointer");
    (void)symlink(path, mine);
    return open_and_close(mine, O_WRONLY);
}
static int chmod_records(void) {
    PATH_OF(state, "sessions.jsonl");
    return result(chmod(path, 0600));
}
static int chmod_state_by_path(void) {
    int folder = open(around.state, O_PATH | O_CLOEXEC);
    int number = result(syscall(452 /* fchmodat2 */, folder, "", 0700, AT_EMPTY_PATH));
    (void)close(folder);
    return number;
}
static int chmod_state(void) {
    int folder = open(around.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = folder < 0 ? errno : result(fchmod(folder, 0700));
    if (folder >= 0) {
        (void)close(folder);
    }
    return number;
}
static int attribute_of_records(void) {
    PATH_OF(state, "sessions.jsonl");
    return result(setxattr(path, "user.x", "1", 1, 0));
}
static int time_of_own(void) {
    PATH_OF(own, "times");
    int file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    int number = result(futimens(file, NULL));
    (void)close(file);
    return number;
}
static int time_of_records(void) {
    PATH_OF(state, "sessions.jsonl");
    return result(utimensat(AT_FDCWD, path, NULL, 0));
}
static int read_cache_of_neighbour(void) {
    PATH_OF(state, "cache/v1/neighbour/run/x.shc");
    return open_and_close(path, O_RDONLY);
}
static int write_cache_of_neighbour(void) {
    PATH_OF(state, "cache/v1/neighbour/run/x.shc");
    return open_and_close(path, O_RDWR);
}
static int create_in_cache_of_neighbour(void) {
    PATH_OF(state, "cache/v1/neighbour/run/new.shc");
    return open_and_close(path, O_CREAT | O_RDWR);
}
/* The path by which this function was loaded. */
static int own_copy(char *path, size_t size) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[700];
    int found = 0;
    while (maps != NULL && found == 0 && fgets(line, sizeof line, maps) != NULL) {
        char *name = strchr(line, '/');
        if (name != NULL && strstr(name, "/state/plugins/") != NULL) {
            name[strcspn(name, "\n")] = '\0';
            (void)snprintf(path, size, "%s", name);
            found = 1;
        }
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return found;
}
static int read_own_copy(void) {
    char path[512];
    return own_copy(path, sizeof path) ? open_and_close(path, O_RDONLY) : ENOENT;
}
static int write_own_copy(void) {
    char path[512];
    if (!own_copy(path, sizeof path)) {
        return ENOENT;
    }
    (void)chmod(path, 0700);
    return open_and_close(path, O_RDWR);
}
static int write_configuration(void) {
    PATH_OF(plugins, "evil.json5");
    return open_and_close(path, O_CREAT | O_RDWR);
}
static int write_plugin(void) {
    PATH_OF(plugins, "evil.so");
    return open_and_close(path, O_CREAT | O_RDWR);
}
static int write_library(void) {
    PATH_OF(plugins, "libm.so.6");
    return open_and_close(path, O_CREAT | O_RDWR);
}
static int read_configuration(void) {
    PATH_OF(plugins, "neighbour.json5");
    return open_and_close(path, O_RDONLY);
}
static int append_profile(void) {
    PATH_OF(home, ".bashrc");
    return open_and_close(path, O_WRONLY | O_APPEND);
}
static int write_keys(void) {
    PATH_OF(home, "authorized_keys");
    return open_and_close(path, O_CREAT | O_WRONLY);
}
static int create_temporary(void) { return open_and_close("/tmp/schedhost-escape", O_CREAT | O_RDWR); }
static int open_ledger_of_neighbour(void) {
    int number = ENOENT;
    for (int i = 1; i < 10 && number == ENOENT; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "ledgers/%d-%d.ledger", (int)around.host, i);
        PATH_OF(state, name);
        number = open_and_close(path, O_RDWR);
    }
    return number;
}
static int save_in_own(void) {
    char one[512], two[512];
    place(one, around.own, "one");
    place(two, around.own, "two");
    if (open_and_close(one, O_CREAT | O_RDWR | O_TRUNC) != 0 || open_and_close(two, O_CREAT | O_RDWR) != 0 ||
        renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE) != 0) {
        return errno;
    }
    place(one, around.own, "folder");
    return mkdir(one, 0700) == 0 || errno == EEXIST ? 0 : errno;
}
static int pipe_in_own(void) {
    char path[512];
    place(path, around.own, "pipe");
    return mkfifo(path, 0600) == 0 || errno == EEXIST ? 0 : errno;
}
/* Where the backtracer writes: memory of this worker's own. */
static int own_report(void) {
    char path[512] = "";
    const char *settings = getenv("SWIFT_BACKTRACE");
    const char *report = settings != NULL ? strstr(settings, "output-to=") : NULL;
    (void)sscanf(report != NULL ? report : "", "output-to=%511[^,]", path);
    return open_and_close(path, O_CREAT | O_TRUNC | O_WRONLY);
}
static int report_file(void) {
    PATH_OF(state, "reports/1-1.json");
    return open_and_close(path, O_CREAT | O_TRUNC | O_WRONLY);
}
static int list_state(void) {
    DIR *folder = opendir(around.state);
    if (folder == NULL) {
        return errno;
    }
    (void)closedir(folder);
    return 0;
}
static int watch_state(void) {
    int watch = inotify_init1(IN_CLOEXEC);
    int number = result(inotify_add_watch(watch, around.state, IN_CREATE));
    (void)close(watch);
    return number;
}

const struct attempt file_attempts[] = {
    {"append to sessions.jsonl", append_records},
    {"truncate(sessions.jsonl)", truncate_records},
    {"unlink open.jsonl", unlink_open},
    {"rename names.json into own data", rename_names},
    {"RENAME_EXCHANGE sessions.jsonl with own", exchange_records},
    {"hard link to sessions.jsonl", link_records},
    {"write through own symlink", write_by_link},
    {"chmod sessions.jsonl", chmod_records},
    {"fchmodat2(O_PATH state, EMPTY_PATH)", chmod_state_by_path},
    {"open state dir + fchmod", chmod_state},
    {"setxattr on sessions.jsonl", attribute_of_records},
    {"utimensat on sessions.jsonl", time_of_records},
    {"futimens of an own file", time_of_own},
    {"read neighbour's cache file", read_cache_of_neighbour},
    {"write neighbour's cache file", write_cache_of_neighbour},
    {"create in neighbour's cache", create_in_cache_of_neighbour},
    {"read own copy", read_own_copy},
    {"chmod + write own copy", write_own_copy},
    {"write plugins/evil.json5", write_configuration},
    {"write plugins/evil.so", write_plugin},
    {"write plugins/libm.so.6", write_library},
    {"read neighbour's plugins/neighbour.json5", read_configuration},
    {"append to ~/.bashrc", append_profile},
    {"create ~/authorized_keys", write_keys},
    {"create file in /tmp", create_temporary},
    {"open neighbour's ledger RW", open_ledger_of_neighbour},
    {"own data: save, exchange, mkdir", save_in_own},
    {"mkfifo in own data", pipe_in_own},
    {"own report O_CREAT, O_TRUNC", own_report},
    {"file among the reports", report_file},
    {"open state dir (readdir)", list_state},
    {"inotify on state", watch_state},
    {NULL, NULL},
};

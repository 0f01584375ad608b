/* What `escapes` tries. Private to this fixture. */
#ifndef ESCAPES_H
#define ESCAPES_H

#include <errno.h>
#include <fcntl.h>
#include <schedhost/plugin.h>
#include <string.h>
#include <unistd.h>

/* One attempt: 0 where it succeeds, an error number, or 1000 and the signal that ends who tries it. */
struct attempt {
    const char *name;
    int (*act)(void);
};

/* Each ended by a NULL name. */
extern const struct attempt file_attempts[];
extern const struct attempt process_attempts[];
extern const struct attempt network_attempts[];
extern const struct attempt other_attempts[];

/* Where the plugin is, and what is near. */
struct surroundings {
    char state[512], plugins[512], home[512], own[512];
    pid_t host, neighbour;
    int granted, refused; /* ports of TCP at which somebody listens */
};
extern struct surroundings around;

int result(long value);
int open_and_close(const char *path, int flags);
int in_child(int (*act)(void));
/* FOLDER/NAME, in a buffer as long as those above. */
void place(char *to, const char *folder, const char *name);

#define PATH_OF(folder, name)                                                                                          \
    char path[512];                                                                                                    \
    place(path, around.folder, name)

#endif

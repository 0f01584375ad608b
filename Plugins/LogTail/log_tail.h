/* The parts of LogTail. Private to this plugin. */
#ifndef LOG_TAIL_H
#define LOG_TAIL_H

#include <regex.h>
#include <schedhost/plugin.h>
#include <stdbool.h>
#include <sys/stat.h>

#define PATTERNS_MAX 16
#define LINE_MAX_BYTES 8192        /* what is longer is matched by its beginning */
#define BLOCK_BYTES (64 * 1024)    /* read at once */
#define CYCLE_BYTES (1024 * 1024)  /* read in one cycle; then the next one comes at once */
#define HEAD_BYTES 256             /* the beginning of a file, by which it is known again */

/* ---- patterns.c ---- */

struct patterns {
    struct {
        regex_t expression;
        const char *text; /* in what was compiled */
        size_t size;
        char column[128]; /* the stat's name: "lines matching <pattern>" */
        uint64_t count;
    } list[PATTERNS_MAX];
    size_t count;
};

/* Compiles the patterns of `text`, separated by newlines or `|||`, which has to stay. False, with `message` filled, when
 * one is wrong, occurs twice or matches every line, or there are too many; then there is nothing to free. */
bool patterns_compile(struct patterns *patterns, const char *text, bool ignore_case, char *message, size_t size);
void patterns_free(struct patterns *patterns);
/* Counts the line in each pattern that matches it; whether one did. */
bool patterns_match(struct patterns *patterns, const char *line);

/* ---- position.c: where we were, in a form that outlives the worker ---- */

/* The beginning of a file: how many bytes, and their checksum. */
struct head {
    uint64_t size;
    uint64_t checksum;
};

/* A place in a file, and how to know the file again. */
struct position {
    uint64_t device;
    uint64_t inode;
    uint64_t offset; /* where the first line begins that was not counted yet */
    struct head head;
};

/* Reads the position of the file named `path` from `cache` (NULL: there is none); false when there is none of it, or
 * what there is has another form. Only [callback], for the bytes are the host's. */
bool position_load(const schedhost_scheduler *scheduler, schedhost_cache *cache, const char *path,
                   struct position *position);
/* Stores it; false when the host cannot. */
bool position_store(const schedhost_scheduler *scheduler, schedhost_cache *cache, const char *path,
                    const struct position *position);
/* The head of an open file, of at most `size` bytes (and HEAD_BYTES). */
struct head head_read(int file, uint64_t size);
/* Whether the open file is the one of the position: the same inode and beginning, and no shorter. Its device may have
 * another number, if it has a beginning. */
bool position_fits(const struct position *position, int file, const struct stat *status);

/* ---- follow.c: one file that grows ---- */

struct counts {
    uint64_t lines;
    uint64_t matched; /* lines that a pattern matched */
    uint64_t long_lines;
    uint64_t bytes;
    uint64_t rotations;
    uint64_t truncations;
};

enum waiting { WAITING_NOT, WAITING_ABSENT, WAITING_UNREADABLE };

struct follower {
    const char *path; /* the host's, for as long as the session */
    struct patterns *patterns;
    int file;         /* -1: none is open */
    uint64_t device;
    uint64_t inode;
    uint64_t offset;  /* where to read next */
    struct head head;
    bool replaced;    /* another file has the name now: this one is read to its end once more */
    bool at_end;      /* a file opened now is old, and nothing is known of it: begin at its end */
    bool has_known;   /* `known` is where an earlier session, or this one, left off */
    struct position known;
    enum waiting waiting;
    int open_error;   /* why, when WAITING_UNREADABLE */
    bool cut;         /* the line in the making is past LINE_MAX_BYTES */
    uint64_t line_at; /* where the line in the making begins in the file */
    size_t line_size;
    char line[LINE_MAX_BYTES + 1];
    char block[BLOCK_BYTES];
    struct counts counts;
};

/* Begins. With a position (else NULL): there, if it fits the file or its predecessor (`path`.1), else at the start of
 * what must be a new file. Without: at the end of the file, or at its start with `from_start` or when it comes later. */
void follow_begin(struct follower *follower, const char *path, struct patterns *patterns,
                  const struct position *position, bool from_start);
/* Reads what is new, CYCLE_BYTES at most. True when there is more to read at once. */
bool follow_step(struct follower *follower, const schedhost_scheduler *scheduler);
/* Where it is now; false when it is nowhere. */
bool follow_position(const struct follower *follower, struct position *position);
void follow_end(struct follower *follower);

#endif

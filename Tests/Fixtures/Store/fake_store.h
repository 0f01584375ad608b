/* The parts of the store without a server. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <schedhost/store.h>
#include <stdbool.h>

/* ---- data.c: what is kept, in one file that is read and written whole ---- */

enum { HISTORY = 64 }; /* so many commits can be lost */

struct record {
    const char *key;
    size_t key_size;
    const unsigned char *bytes;
    size_t size;
    uint64_t version;
    int64_t written_ms;
    int64_t until_ms; /* 0: for ever */
};

struct data {
    uint64_t instance;
    uint64_t sequence; /* of the last commit */
    struct record *records; /* in the order of their keys */
    size_t count;
    unsigned char *file; /* what the records point into */
};

/* Reads the data of a directory as they are at that time; a directory without is empty. False when it is no such file. */
bool data_read(struct data *data, int directory, int64_t now_ms);
/* Writes them, in one step, and keeps what was before for `data_lose`. */
bool data_write(const struct data *data, int directory);
void data_free(struct data *data);
/* The first record that is not before this key; `found` says whether it is that key. */
size_t data_find(const struct data *data, const void *key, size_t size, bool *found);
/* Puts or deletes a key; the bytes stay the caller's. */
void data_put(struct data *data, const struct record *record);
void data_delete(struct data *data, const void *key, size_t size);
/* The data as they were so many commits ago; false when that is not kept. */
bool data_lose(struct data *data, int directory, uint64_t count, int64_t now_ms);

/* ---- faults.c: what shall go wrong, a file of lines ---- */

struct faults {
    int64_t delay_ms;     /* delay MS: each call takes so much longer */
    int64_t clock_ms;     /* clock MS: the store's clock is off by so much */
    bool ageless;         /* ageless: it has none */
    bool stop;            /* stop: nothing is answered */
    bool down;            /* down: nobody is there */
    long fail;            /* fail N: so many calls fail, and do nothing */
    long done_unknown;    /* done-unknown N: so many commits are done, and their answers lost */
    long lost_unknown;    /* lost-unknown N: so many commits do not arrive */
    uint64_t lose;        /* lose N: the last N commits are gone, once */
    bool new_instance;    /* instance: restarted with its data, once */
    bool wipe;            /* wipe: restarted without, once */
};

/* Reads the file; without one nothing goes wrong. */
void faults_read(struct faults *faults, const char *path);
/* Writes what is left of them, where something happened: what happens once is then over. */
void faults_write(const struct faults *faults, const char *path);

#endif

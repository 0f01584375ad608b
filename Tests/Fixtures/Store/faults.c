/* Faults by a file that a test writes: one a line, in the words of fake_store.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_store.h"

void faults_read(struct faults *faults, const char *path) {
    FILE *file = fopen(path, "re");
    char line[128];
    memset(faults, 0, sizeof *faults);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char word[32] = "";
        long long number = 1;
        if (sscanf(line, "%31s %lld", word, &number) < 1) {
            continue;
        }
        if (strcmp(word, "delay") == 0) {
            faults->delay_ms = number;
        } else if (strcmp(word, "clock") == 0) {
            faults->clock_ms = number;
        } else if (strcmp(word, "ageless") == 0) {
            faults->ageless = true;
        } else if (strcmp(word, "stop") == 0) {
            faults->stop = true;
        } else if (strcmp(word, "down") == 0) {
            faults->down = true;
        } else if (strcmp(word, "fail") == 0) {
            faults->fail = (long)number;
        } else if (strcmp(word, "done-unknown") == 0) {
            faults->done_unknown = (long)number;
        } else if (strcmp(word, "lost-unknown") == 0) {
            faults->lost_unknown = (long)number;
        } else if (strcmp(word, "lose") == 0) {
            faults->lose = (uint64_t)number;
        } else if (strcmp(word, "instance") == 0) {
            faults->new_instance = true;
        } else if (strcmp(word, "wipe") == 0) {
            faults->wipe = true;
        } else {
            fprintf(stderr, "fake-store: %s: what is '%s'?\n", path, word);
            abort(); /* a test that makes nothing happen proves nothing */
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void faults_write(const struct faults *faults, const char *path) {
    char other[4096];
    (void)snprintf(other, sizeof other, "%s.new", path);
    FILE *file = fopen(other, "we");
    if (file == NULL) {
        return;
    }
    const struct {
        const char *word;
        long long number;
    } lines[] = {{"delay", faults->delay_ms},         {"clock", faults->clock_ms},
                 {"ageless", faults->ageless},        {"stop", faults->stop},
                 {"down", faults->down},              {"fail", faults->fail},
                 {"done-unknown", faults->done_unknown}, {"lost-unknown", faults->lost_unknown}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (lines[i].number != 0) {
            (void)fprintf(file, "%s %lld\n", lines[i].word, lines[i].number);
        }
    }
    (void)fclose(file);
    (void)rename(other, path);
}

/* A parameter that is a list of addresses: `host:port, host:port`. For the plugins that are stores. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOST_ADDRESSES 32

/* The addresses, and how many: who tries them one after the other can give each its share of the time. */
struct addresses {
    size_t count;
    const char *each[MOST_ADDRESSES];
    char text[2048];
};

/* Takes a list apart at its commas. Blanks around an address do not count, and none has blanks in it: that would be two
 * without a comma. False with what is wrong, and the mend, in `fault`. */
static inline bool addresses_read(struct addresses *list, const char *text, char *fault, size_t size) {
    static const char blanks[] = " \t\r\n";
    list->count = 0;
    if (strlen(text) >= sizeof list->text) {
        (void)snprintf(fault, size, "the list has %zu bytes: at most %zu", strlen(text), sizeof list->text - 1);
        return false;
    }
    memcpy(list->text, text, strlen(text) + 1);
    for (char *at = list->text, *next; at != NULL; at = next) {
        next = strchr(at, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        at += strspn(at, blanks);
        char *end = at + strlen(at);
        while (end > at && strchr(blanks, end[-1]) != NULL) {
            end--;
        }
        *end = '\0';
        if (at == end && next == NULL && list->count == 0) {
            (void)snprintf(fault, size, "the list is empty: write an address");
        } else if (at == end) {
            (void)snprintf(fault, size, "'%.200s' has an empty entry: remove the comma, or write an address there", text);
        } else if (at[strcspn(at, blanks)] != '\0') {
            (void)snprintf(fault, size, "'%.100s' is no address: separate addresses by commas", at);
        } else if (list->count == MOST_ADDRESSES) {
            (void)snprintf(fault, size, "'%.100s' is one too many: at most %d addresses", at, MOST_ADDRESSES);
        } else {
            list->each[list->count++] = at;
            continue;
        }
        return false;
    }
    return true;
}

#endif

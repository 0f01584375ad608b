/* Names of hosts. getaddrinfo(3) waits for as long as the name servers let it: here another thread of glibc's does. */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "redis_store.h"

/* One question, which may outlive the call that has asked. */
struct question {
    struct gaicb request;
    struct addrinfo hints;
    char host[256];
    char port[16];
};

struct addrinfo *resolve(const char *host, const char *port, int64_t deadline, char *text, size_t size) {
    struct question *question = calloc(1, sizeof *question);
    struct addrinfo *found = NULL;
    int code;
    if (question == NULL) {
        (void)snprintf(text, size, "no memory");
        return NULL;
    }
    (void)snprintf(question->host, sizeof question->host, "%s", host);
    (void)snprintf(question->port, sizeof question->port, "%s", port);
    question->hints.ai_socktype = SOCK_STREAM;
    question->hints.ai_flags = AI_NUMERICHOST;
    question->request.ar_name = question->host;
    question->request.ar_service = question->port;
    question->request.ar_request = &question->hints;
    code = getaddrinfo(host, port, &question->hints, &found); /* an address needs nobody */
    if (code == EAI_NONAME) {
        struct gaicb *list[] = {&question->request};
        question->hints.ai_flags = AI_ADDRCONFIG;
        code = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
        while (code == 0 && (code = gai_error(&question->request)) == EAI_INPROGRESS) {
            int64_t left = deadline - clock_ms();
            struct timespec time = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
            if (left <= 0) {
                break;
            }
            (void)gai_suspend((const struct gaicb *const *)list, 1, &time);
            code = 0;
        }
        if (code == EAI_INPROGRESS) {
            (void)snprintf(text, size, "the name servers do not say in time where %s is", host);
            if (gai_cancel(&question->request) != EAI_CANCELED) {
                return NULL; /* glibc's thread has it: what it holds is lost, which is 500 bytes */
            }
            free(question);
            return NULL;
        }
        found = code == 0 ? question->request.ar_result : NULL;
    }
    if (code != 0) {
        (void)snprintf(text, size, "%s: %s", host, gai_strerror(code));
    }
    free(question);
    return found;
}

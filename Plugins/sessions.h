/* The state of each session, for a plugin in C. A plugin's variables are there once in a process. The host runs one session of
 * a routine at a time there, since each instance has a process of its own; this does not depend on that. */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <pthread.h>
#include <schedhost/plugin.h>
#include <stdlib.h>

/* What the state begins with. A scheduler stays at its address from `start` to the return of `stop`. */
struct session {
    struct session *next;
    const schedhost_scheduler *scheduler;
};

static struct {
    pthread_mutex_t lock;
    struct session *first;
} sessions = {PTHREAD_MUTEX_INITIALIZER, NULL};

/* Makes the state of a session, of `size` bytes of 0, for its `start`; NULL without memory. A `start` that fails after that
 * calls session_end, because then there is no `stop`. */
static inline void *session_begin(const schedhost_scheduler *scheduler, size_t size) {
    struct session *session = calloc(1, size);
    if (session != NULL) {
        session->scheduler = scheduler;
        (void)pthread_mutex_lock(&sessions.lock);
        session->next = sessions.first;
        sessions.first = session;
        (void)pthread_mutex_unlock(&sessions.lock);
    }
    return session;
}

/* The state that `start` has made. */
static inline void *session_of(const schedhost_scheduler *scheduler) {
    (void)pthread_mutex_lock(&sessions.lock);
    struct session *session = sessions.first;
    while (session != NULL && session->scheduler != scheduler) {
        session = session->next;
    }
    (void)pthread_mutex_unlock(&sessions.lock);
    return session;
}

/* Frees the state. */
static inline void session_end(void *ended) {
    struct session **at = &sessions.first;
    (void)pthread_mutex_lock(&sessions.lock);
    while (*at != ended) {
        at = &(*at)->next;
    }
    *at = (*at)->next;
    (void)pthread_mutex_unlock(&sessions.lock);
    free(ended);
}

#endif

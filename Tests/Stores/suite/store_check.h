/* Tries a store against what <schedhost/store.h> says of stores: each check has a name, and a sentence for how it fails.
 *
 * It knows no engine. What happens to a server is made to happen by who calls, who knows how: `control`. The links that it
 * opens it closes, and the keys that it writes begin with `prefix` and are deleted again. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <schedhost/store.h>

enum store_check_result {
    STORE_CHECK_HOLDS,
    STORE_CHECK_FAILS,
    STORE_CHECK_LEFT_OUT /* it wants of `control` what that cannot do */
};

struct store_check_setup {
    const schedhost_store *store;
    const schedhost_scheduler *scheduler; /* handed to `open`; log and fail are called on several threads */
    const char *prefix;                   /* of all keys, such as "check/4711/"; at most 48 bytes */
    const char *only;                     /* NULL, or the one check to be made */

    /* The text of schedhost_fail on this thread since this was asked last; "" when there is none. */
    const char *(*failure)(void *user);
    /* Makes something happen to the server before it returns; 0 when it has. NULL: nothing can be made to happen.
     *   stop   it takes connections, and answers nothing          go     it goes on, with what it was asked meanwhile
     *   down   it is gone                                         up     it is back, with all that it has acknowledged
     *                                                             wiped  it is back, with nothing
     *   cut    the next request arrives, its answer does not, and the connection breaks
     *   lost   the next request does not arrive, and the connection breaks
     *   drip   answers come at one byte in 20 ms                  pass   cut, lost and drip are over */
    int (*control)(void *user, const char *what);
    /* Told of each check in turn; `sentence` lives until it returns, and is "" for what holds. */
    void (*tell)(void *user, const char *name, enum store_check_result result, const char *sentence);
    void *user;
};

/* Makes all checks, one after the other, within half a minute for a store that answers at once. How many fail. */
unsigned store_check_run(const struct store_check_setup *setup);

#endif

/* One connection, from its opening to its end. */
#include <stdio.h>
#include <stdlib.h>

#include "redis_store.h"

int32_t link_broken(schedhost_store_link *link) {
    link->broken = true;
    return schedhost_fail(link->scheduler, SCHEDHOST_ERROR, "%s", link->wire.text);
}

void link_close(schedhost_store_link *link) {
    wire_end(&link->wire);
    free(link);
}

/* The tag of all keys: in braces, so that a Redis cluster keeps them in one slot. */
static bool set_tag(schedhost_store_link *link, const char *tag) {
    size_t size = strlen(tag);
    if (size == 0 || size > TAG_BYTES - 3 || strpbrk(tag, "{}*?[]\\^") != NULL) {
        return false;
    }
    (void)snprintf(link->tag, sizeof link->tag, "{%s}", tag);
    link->tag_size = strlen(link->tag);
    return true;
}

int32_t link_open(const schedhost_scheduler *scheduler, uint32_t timeout_ms, schedhost_store_server *server, void *user) {
    int64_t deadline = clock_ms() + timeout_ms;
    const char *sentinels = schedhost_param_string(scheduler, "sentinel", "");
    const char *tag = schedhost_param_string(scheduler, "tag", "schedhost");
    char address[300], instance[SCHEDHOST_STORE_MAX_INSTANCE + 1] = "", text[TEXT_BYTES];
    schedhost_store_link *link = calloc(1, sizeof *link);
    (void)user;
    if (link == NULL) {
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "no memory");
    }
    wire_begin(&link->wire);
    link->scheduler = scheduler;
    link->replicas = (uint32_t)schedhost_param_int(scheduler, "replicas", 0);
    (void)snprintf(address, sizeof address, "%s", schedhost_param_string(scheduler, "address", "127.0.0.1:6379"));
    if (!set_tag(link, tag)) {
        link_close(link);
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter 'tag': '%s' is not 1 to %d bytes without {}*?[]\\^", tag,
                              TAG_BYTES - 3);
    }
    if (schedhost_param_string(scheduler, "user", "")[0] != '\0' &&
        schedhost_param_string(scheduler, "password_file", "")[0] == '\0') { /* the default user would be logged in */
        link_close(link);
        return schedhost_fail(scheduler, SCHEDHOST_INVALID, "parameter 'user': set 'password_file' too, or it cannot log in");
    }
    if (sentinels[0] != '\0' && !sentinel_master(sentinels, deadline, address, sizeof address, text, sizeof text)) {
        link_close(link);
        return schedhost_fail(scheduler, SCHEDHOST_ERROR, "%s", text);
    }
    if (!wire_connect(&link->wire, address, deadline) || !server_greet(link, deadline, instance, sizeof instance)) {
        int32_t code = link_broken(link);
        link_close(link);
        return code;
    }
    (void)schedhost_write(server->instance, instance, strlen(instance));
    server->link = link;
    return SCHEDHOST_OK;
}

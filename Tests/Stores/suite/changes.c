/* Commits in the making, and the short ways to put and to delete. */
#include "check.h"

void commit_begin(struct commit *commit) { memset(commit, 0, sizeof *commit); }

/* A longer copy of an array, or the end of this program: a test that has no memory has no result. */
static void *longer(void *array, size_t count, size_t size) {
    void *grown = realloc(array, count * size);
    if (grown == NULL) {
        abort();
    }
    return grown;
}
static char *copy_of(struct key key) {
    char *text = longer(NULL, key.size + 1, 1);
    memcpy(text, key.text, key.size + 1);
    return text;
}

void commit_if(struct commit *commit, struct key key, uint64_t version) {
    size_t count = ++commit->condition_count;
    commit->conditions = longer(commit->conditions, count, sizeof *commit->conditions);
    commit->conditions[count - 1] = (schedhost_store_condition){
        SCHEDHOST_SIZED(schedhost_store_condition), .key = copy_of(key), .key_size = key.size, .version = version};
}

static void commit_write(struct commit *commit, uint32_t flags, struct key key, const void *bytes, size_t size,
                         uint64_t keep_ms) {
    size_t count = ++commit->write_count;
    commit->writes = longer(commit->writes, count, sizeof *commit->writes);
    commit->writes[count - 1] = (schedhost_store_write){
        SCHEDHOST_SIZED(schedhost_store_write), .flags = flags, .key = copy_of(key), .key_size = key.size, .bytes = bytes,
        .size = size, .keep_ms = keep_ms};
}
void commit_put(struct commit *commit, struct key key, const void *bytes, size_t size, uint64_t keep_ms) {
    commit_write(commit, 0, key, bytes, size, keep_ms);
}
void commit_delete(struct commit *commit, struct key key) {
    commit_write(commit, SCHEDHOST_STORE_DELETE, key, NULL, 0, 0);
}

/* The lists of pointers, which the ABI has in place of arrays. */
static void commit_close(struct commit *commit) {
    commit->condition_list = longer(commit->condition_list, commit->condition_count + 1, sizeof(void *));
    commit->write_list = longer(commit->write_list, commit->write_count + 1, sizeof(void *));
    for (size_t i = 0; i < commit->condition_count; i++) {
        commit->condition_list[i] = &commit->conditions[i];
    }
    for (size_t i = 0; i < commit->write_count; i++) {
        commit->write_list[i] = &commit->writes[i];
    }
    commit->condition_list[commit->condition_count] = NULL;
    commit->write_list[commit->write_count] = NULL;
    commit->raw = (schedhost_store_commit){
        SCHEDHOST_SIZED(schedhost_store_commit), .status = SCHEDHOST_STORE_UNKNOWN, .conditions = commit->condition_list,
        .writes = commit->write_list, .now_ms = -1};
}

bool commit_send_all(struct check *check, struct link *link, struct commit *commits, size_t count, uint32_t timeout_ms) {
    schedhost_store_commit **list = longer(NULL, count, sizeof *list);
    int64_t start = clock_ms();
    int32_t code = SCHEDHOST_ERROR;
    for (size_t i = 0; i < count; i++) {
        commit_close(&commits[i]);
        list[i] = &commits[i].raw;
    }
    if (link->raw != NULL) {
        code = check->store->commit(link->raw, list, count, timeout_ms);
        in_time(check, "commit", start, timeout_ms);
    }
    for (size_t i = 0; i < count; i++) {
        switch (list[i]->status) {
            case SCHEDHOST_STORE_DONE:
                if (list[i]->version == 0 || list[i]->version > SCHEDHOST_STORE_MAX_VERSION) {
                    fault(check, "a commit is DONE with the version %" PRIu64, list[i]->version);
                }
                break;
            case SCHEDHOST_STORE_UNKNOWN:
            case SCHEDHOST_STORE_CHANGED:
            case SCHEDHOST_STORE_REFUSED:
                break;
            default:
                fault(check, "a commit has the status %" PRIu32, list[i]->status);
        }
    }
    free(list);
    return code == SCHEDHOST_OK;
}

uint32_t commit_send(struct check *check, struct link *link, struct commit *commit, uint32_t timeout_ms) {
    return commit_send_all(check, link, commit, 1, timeout_ms) ? commit->raw.status : BROKEN;
}

void commit_end(struct commit *commit) {
    for (size_t i = 0; i < commit->condition_count; i++) {
        free((void *)(uintptr_t)commit->conditions[i].key);
    }
    for (size_t i = 0; i < commit->write_count; i++) {
        free((void *)(uintptr_t)commit->writes[i].key);
    }
    free(commit->conditions);
    free(commit->writes);
    free(commit->condition_list);
    free(commit->write_list);
    memset(commit, 0, sizeof *commit);
}

uint32_t put_if(struct check *check, struct link *link, struct key key, uint64_t version, const char *text,
                uint64_t *new_version) {
    struct commit commit;
    uint32_t status;
    commit_begin(&commit);
    if (version != ANY) {
        commit_if(&commit, key, version);
    }
    commit_put(&commit, key, text, strlen(text), 0);
    status = commit_send(check, link, &commit, USUAL_MS);
    if (new_version != NULL) {
        *new_version = status == SCHEDHOST_STORE_DONE ? commit.raw.version : 0;
    }
    commit_end(&commit);
    return status;
}

uint64_t put(struct check *check, struct link *link, struct key key, const char *text) {
    uint64_t version = 0;
    uint32_t status = put_if(check, link, key, ANY, text, &version);
    if (status != SCHEDHOST_STORE_DONE) {
        fault(check, "a put without a condition is %s: %s", status_name(status), failure(check));
    }
    return version;
}

void erase(struct check *check, struct link *link, struct key key) {
    struct commit commit;
    uint32_t status;
    commit_begin(&commit);
    commit_delete(&commit, key);
    status = commit_send(check, link, &commit, USUAL_MS);
    if (status != SCHEDHOST_STORE_DONE) {
        fault(check, "to delete a key without a condition is %s: %s", status_name(status), failure(check));
    }
    commit_end(&commit);
}

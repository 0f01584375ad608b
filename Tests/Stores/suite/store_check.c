/* Makes the checks one after the other, each with keys of its own. */
#include "check.h"

/* Deletes what begins with the check's space: of a run before that was ended, and of this one. */
static void sweep(struct check *check) {
    struct link link = link_get(check);
    bool more = link.raw != NULL;
    while (more && check->sentence[0] == '\0') {
        struct listed listed;
        struct commit commit;
        memset(&listed, 0, sizeof listed);
        commit_begin(&commit);
        if (!list(check, &link, "", NULL, SCHEDHOST_STORE_LEAST_CONDITIONS, &listed, USUAL_MS)) {
            fault(check, "list returned an error: %s", failure(check));
        }
        for (size_t i = 0; i < listed.count; i++) {
            commit_delete(&commit, listed.keys[i]);
        }
        more = listed.count > 0;
        if (more && commit_send(check, &link, &commit, USUAL_MS) != SCHEDHOST_STORE_DONE) {
            fault(check, "what was written cannot be deleted: %s", failure(check));
        }
        commit_end(&commit);
        listed_end(&listed);
    }
    link_close(check, &link);
}

/* The store's table, as far as it can be seen: what is wrong with it, or NULL. */
static const char *table_fault(const schedhost_store *store) {
    if (store->struct_size < offsetof(schedhost_store, watch)) {
        return "struct_size ends before commit";
    }
    if (store->flags != 0) {
        return "flags must be 0";
    }
    if (store->max_value_bytes < SCHEDHOST_STORE_LEAST_VALUE) {
        return "max_value_bytes is under 65536";
    }
    if (store->max_conditions < SCHEDHOST_STORE_LEAST_CONDITIONS) {
        return "max_conditions is under 32";
    }
    if (store->max_writes < SCHEDHOST_STORE_LEAST_CONDITIONS) {
        return "max_writes is under 32";
    }
    if (store->open == NULL || store->close == NULL || store->read == NULL || store->list == NULL ||
        store->commit == NULL) {
        return "one of open, close, read, list and commit is NULL";
    }
    return NULL;
}

static bool wanted(const struct store_check_setup *setup, const char *name) {
    return setup->only == NULL || strcmp(setup->only, name) == 0;
}

unsigned store_check_run(const struct store_check_setup *setup) {
    static const struct check_entry *const lists[] = {value_checks, commit_checks, list_checks, fault_checks};
    const char *wrong = table_fault(setup->store);
    unsigned failed = wrong != NULL;
    if (wrong != NULL || wanted(setup, "table")) {
        setup->tell(setup->user, "table", wrong != NULL ? STORE_CHECK_FAILS : STORE_CHECK_HOLDS,
                    wrong != NULL ? wrong : "");
    }
    if (wrong != NULL) {
        return failed; /* nothing can be called */
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct check_entry *entry = lists[i]; entry->name != NULL; entry++) {
            struct check check = {.setup = setup, .store = setup->store, .name = entry->name};
            if (!wanted(setup, entry->name)) {
                continue;
            }
            (void)snprintf(check.space, sizeof check.space, "%.48s%.32s/", setup->prefix, entry->name);
            sweep(&check);
            if (check.sentence[0] == '\0') {
                entry->run(&check);
            }
            for (size_t each = 0; each < sizeof check.open / sizeof check.open[0]; each++) {
                if (check.open[each] != NULL) {
                    setup->store->close(check.open[each]);
                }
            }
            if (check.sentence[0] == '\0') {
                sweep(&check);
            } else { /* what is left of a check that fails is not its sentence */
                struct check after = {.setup = setup, .store = setup->store, .name = entry->name};
                memcpy(after.space, check.space, sizeof after.space);
                sweep(&after);
            }
            failed += check.sentence[0] != '\0' && !check.left_out;
            setup->tell(setup->user, entry->name,
                        check.left_out ? STORE_CHECK_LEFT_OUT
                                       : check.sentence[0] != '\0' ? STORE_CHECK_FAILS : STORE_CHECK_HOLDS,
                        check.sentence);
        }
    }
    return failed;
}

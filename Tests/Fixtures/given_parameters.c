/* The parameters of a plugin in a test's host. */
#include "given_parameters.h"

#include <stdlib.h>

struct given_parameters given;

/* What is set on the command line, else the declared default, else NULL. */
static const char *text_of(const char *name) {
    const schedhost_parameter *const *declared = given.plugin->parameters;
    for (size_t i = 0; i < given.count; i++) {
        if (strcmp(given.parameters[i].name, name) == 0) {
            return given.parameters[i].value;
        }
    }
    for (; declared != NULL && *declared != NULL; declared++) {
        if (strcmp((*declared)->name, name) == 0) {
            return (*declared)->default_value;
        }
    }
    return NULL;
}

const char *given_string(const schedhost_scheduler *scheduler, const char *name, const char *fallback) {
    const char *text = text_of(name);
    (void)scheduler;
    return text != NULL ? text : fallback;
}

int64_t given_int(const schedhost_scheduler *scheduler, const char *name, int64_t fallback) {
    const char *text = text_of(name);
    (void)scheduler;
    return text != NULL ? strtoll(text, NULL, 10) : fallback;
}

double given_double(const schedhost_scheduler *scheduler, const char *name, double fallback) {
    const char *text = text_of(name);
    (void)scheduler;
    return text != NULL ? strtod(text, NULL) : fallback;
}

int32_t given_bool(const schedhost_scheduler *scheduler, const char *name, int32_t fallback) {
    const char *text = text_of(name);
    (void)scheduler;
    return text != NULL ? strcmp(text, "true") == 0 : fallback;
}

const char *given_json(const schedhost_scheduler *scheduler) {
    (void)scheduler;
    return "{}";
}

/* Parameters of a plugin as a test's host without a configuration gives them: those of its command line, else what the
 * plugin declares. */
#ifndef GIVEN_PARAMETERS_H
#define GIVEN_PARAMETERS_H

#include <schedhost/plugin.h>

struct parameter {
    const char *name;
    const char *value;
};

/* Set before the plugin is called. */
struct given_parameters {
    const schedhost_plugin *plugin;
    const struct parameter *parameters; /* given on the command line */
    size_t count;
};
extern struct given_parameters given;

/* For the host's function table. */
const char *given_string(const schedhost_scheduler *scheduler, const char *name, const char *fallback);
int64_t given_int(const schedhost_scheduler *scheduler, const char *name, int64_t fallback);
double given_double(const schedhost_scheduler *scheduler, const char *name, double fallback);
int32_t given_bool(const schedhost_scheduler *scheduler, const char *name, int32_t fallback);
const char *given_json(const schedhost_scheduler *scheduler);

#endif

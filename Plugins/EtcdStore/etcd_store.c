/* EtcdStore: a store that hosts share, in etcd, by the JSON gateway of its version 3. */
#include "etcd_store.h"

static const schedhost_store store = {
    SCHEDHOST_SIZED(schedhost_store),
    .max_value_bytes = 1048576,      /* a request has 1.5 MiB at most, and a third of it is base64 no longer */
    .max_conditions = OPERATIONS,
    .max_writes = OPERATIONS - 1,    /* one is the version's */
    .open = link_open,
    .close = link_close,
    .read = read_keys,
    .list = list_keys,
    .commit = commit_all,
    .watch = watch_keys,
};

static const void *extension(const char *id) { return strcmp(id, SCHEDHOST_STORE_ID) == 0 ? &store : NULL; }

#define TEXT_PARAMETER(variable, its_name, its_default, its_description) \
    static const schedhost_parameter variable = {                        \
        SCHEDHOST_SIZED(schedhost_parameter),                            \
        .type = SCHEDHOST_PARAM_STRING,                                  \
        .name = its_name,                                                \
        .default_value = its_default,                                    \
        .description = its_description,                                  \
    }

TEXT_PARAMETER(endpoints, "endpoints", "http://127.0.0.1:2379", "the members, tried in this order, separated by commas");
TEXT_PARAMETER(user, "user", "", "whom to log in as; empty: no login");
TEXT_PARAMETER(password_file, "password_file", "", "the file whose first line is the password");
TEXT_PARAMETER(ca_file, "ca_file", "", "who may have signed the members' certificates; empty: those of the system");
TEXT_PARAMETER(cert_file, "cert_file", "", "the host's own certificate; empty: none");
TEXT_PARAMETER(key_file, "key_file", "", "the key of that certificate; empty: it is in cert_file");
TEXT_PARAMETER(prefix, "prefix", "schedhost", "what all keys begin with");
static const schedhost_parameter *const parameters[] = {&endpoints, &user,     &password_file, &ca_file,
                                                        &cert_file, &key_file, &prefix,        NULL};

static const schedhost_plugin plugin = {
    SCHEDHOST_SIZED(schedhost_plugin),
    .id = "etcd-store",
    .version = "1.0.0",
    .description = "a store in etcd, for hosts that share what they run",
    .needs_minor = 1,
    .parameters = parameters,
    .extension = extension,
};
SCHEDHOST_PLUGIN_NEEDS(&plugin, 1u)

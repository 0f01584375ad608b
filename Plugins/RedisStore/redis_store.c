/* RedisStore: a store that hosts share, in a Redis server, or one that speaks its protocol. */
#include "redis_store.h"

static const schedhost_store store = {
    SCHEDHOST_SIZED(schedhost_store),
    .max_value_bytes = 16777216,
    .max_conditions = 1024,
    .max_writes = 1024,
    .open = link_open,
    .close = link_close,
    .read = read_keys,
    .list = list_keys,
    .commit = commit_all,
    .watch = watch_keys,
};

static const void *extension(const char *id) { return strcmp(id, SCHEDHOST_STORE_ID) == 0 ? &store : NULL; }

static const schedhost_parameter address = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "address",
    .default_value = "127.0.0.1:6379",
    .description = "the server: host:port, [address]:port, or the path of a unix socket",
};
static const schedhost_parameter sentinel = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "sentinel",
    .default_value = "",
    .description = "NAME@host:port,host:port: sentinels that know the server, in place of address",
};
static const schedhost_parameter user = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "user",
    .default_value = "",
    .description = "whom to log in as; empty: the default user",
};
static const schedhost_parameter password_file = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "password_file",
    .default_value = "",
    .description = "the file whose first line is the password; empty: no login",
};
static const schedhost_parameter database = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_INT,
    .name = "database",
    .default_value = "0",
    .range = "0..1000000",
    .description = "the number of the database",
};
static const schedhost_parameter replicas = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_INT,
    .name = "replicas",
    .default_value = "0",
    .range = "0..1000",
    .description = "so many replicas must have a commit before it counts as done",
};
static const schedhost_parameter tag = {
    SCHEDHOST_SIZED(schedhost_parameter),
    .type = SCHEDHOST_PARAM_STRING,
    .name = "tag",
    .default_value = "schedhost",
    .description = "what all keys begin with, in braces",
};
static const schedhost_parameter *const parameters[] = {&address,  &sentinel, &user, &password_file,
                                                        &database, &replicas, &tag,  NULL};

static const schedhost_plugin plugin = {
    SCHEDHOST_SIZED(schedhost_plugin),
    .id = "redis-store",
    .version = "1.0.0",
    .description = "a store in Redis, for hosts that share what they run",
    .needs_minor = 1,
    .parameters = parameters,
    .extension = extension,
};
SCHEDHOST_PLUGIN_NEEDS(&plugin, 1u)

// The C++ sister of faulty.c: exceptions, and what a C++ program does with one that nobody catches.
#include <schedhost/plugin.h>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace {

#define CRASH_SITE __attribute__((noinline)) std::int32_t

// Across the C ABI: there is no handler on the way, so std::terminate ends the process.
CRASH_SITE misdeed_cxx_throw(const schedhost_scheduler *scheduler) {
    if (schedhost_cycle(scheduler) < UINT64_MAX) {
        throw std::runtime_error("thrown across the ABI");
    }
    return SCHEDHOST_OK;
}

CRASH_SITE misdeed_cxx_bounds(const schedhost_scheduler *scheduler) {
    std::vector<std::int32_t> numbers(3);
    return numbers.at(static_cast<std::size_t>(schedhost_cycle(scheduler)) + 3);
}

CRASH_SITE misdeed_segv(const schedhost_scheduler *) {
    static int *volatile nowhere = nullptr;
    *nowhere = 1;
    return SCHEDHOST_OK;
}

// What a plugin should do: catch, and say it in the ABI's words.
CRASH_SITE misdeed_error(const schedhost_scheduler *scheduler) {
    try {
        throw std::runtime_error("caught inside");
    } catch (const std::exception &error) {
        return schedhost_fail(scheduler, 42, "a plain failure: %s", error.what());
    }
}

struct Misdeed {
    const char *name;
    std::int32_t (*act)(const schedhost_scheduler *);
};

constexpr Misdeed misdeeds[] = {
    {"cxx-throw", misdeed_cxx_throw},
    {"cxx-bounds", misdeed_cxx_bounds},
    {"segv", misdeed_segv},
    {"error", misdeed_error},
};

std::int32_t run(const schedhost_scheduler *scheduler, void *) {
    const char *name = schedhost_param_string(scheduler, "misdeed", "none");
    const std::int64_t at = schedhost_param_int(scheduler, "at", 3);
    if (at < 0 || schedhost_cycle(scheduler) != static_cast<std::uint64_t>(at)) {
        return SCHEDHOST_OK;
    }
    if (schedhost_param_bool(scheduler, "once", 0) &&
        schedhost_where(scheduler)->session_before != SCHEDHOST_BEFORE_NONE) {
        return SCHEDHOST_OK;
    }
    for (const Misdeed &each : misdeeds) {
        if (std::strcmp(each.name, name) == 0) {
            return each.act(scheduler);
        }
    }
    return SCHEDHOST_OK;
}

std::int32_t load(const schedhost_scheduler *scheduler, void *) {
    const char *name = schedhost_param_string(scheduler, "misdeed", "none");
    bool known = std::strcmp(name, "none") == 0;
    for (const Misdeed &each : misdeeds) {
        known = known || std::strcmp(each.name, name) == 0;
    }
    return known ? SCHEDHOST_OK : schedhost_fail(scheduler, SCHEDHOST_INVALID, "unknown misdeed '%s'", name);
}

// C++17 has no designated initialisers: constexpr functions fill the structs, and nothing runs at load time.
constexpr schedhost_parameter make_parameter(std::uint32_t type, const char *name, const char *fallback) {
    schedhost_parameter parameter{};
    parameter.struct_size = sizeof parameter;
    parameter.type = type;
    parameter.name = name;
    parameter.default_value = fallback;
    return parameter;
}

constexpr schedhost_routine make_routine() {
    schedhost_routine routine{};
    routine.struct_size = sizeof routine;
    routine.name = "misbehave";
    routine.description = "good until its hour comes";
    routine.wait_ms = 10;
    routine.run = run;
    return routine;
}

constexpr schedhost_parameter misdeed_parameter = make_parameter(SCHEDHOST_PARAM_STRING, "misdeed", "none");
constexpr schedhost_parameter at_parameter = make_parameter(SCHEDHOST_PARAM_INT, "at", "3");
constexpr schedhost_parameter once_parameter = make_parameter(SCHEDHOST_PARAM_BOOL, "once", "false");
constexpr const schedhost_parameter *parameters[] = {&misdeed_parameter, &at_parameter, &once_parameter, nullptr};
constexpr schedhost_routine routine = make_routine();
constexpr const schedhost_routine *routines[] = {&routine, nullptr};

constexpr schedhost_plugin make_plugin() {
    schedhost_plugin plugin{};
    plugin.struct_size = sizeof plugin;
    plugin.id = "faulty-cxx";
    plugin.version = "1.0.0";
    plugin.description = "misbehaves on purpose, in C++";
    plugin.parameters = parameters;
    plugin.routines = routines;
    plugin.load = load;
    return plugin;
}
constexpr schedhost_plugin plugin = make_plugin();

} // namespace

SCHEDHOST_PLUGIN(&plugin)

import HostValues
import Testing

/// Mistakes in configuration files, and the sentences that they get.
enum ConfigurationMistakes {
    /// Which reader meets the text.
    enum Reader: Sendable {
        /// A plugin's own file.
        case plugin
        /// `schedhost.json5`.
        case host
        /// A plugin's own file, compared with what the plugin declares.
        case declared
    }

    /// One text and all that is said of it; `~` is a line break.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let reader: Reader
        let text: String
        let sentences: [String]

        var testDescription: String { text }

        init(_ reader: Reader, _ text: String, _ sentences: String...) {
            self.reader = reader
            self.text = text
            self.sentences = sentences
        }
    }

    static let all = syntax + values

    private static let top =
        "wait_ms, schedule, zone, dst, deadline_ms, catch_up, jitter_ms, align, align_offset_ms, first, max_cycles, until, "
        + "timeout_ms, isolation, enabled, max_running, run_on, shards, rebalance, on_error, on_recovery, on_end, group, retry, restart, limits, sandbox, "
        + "caches, on_failure, on_silence, cluster"
    private static let restart =
        "first_delay_ms, max_delay_ms, jitter_percent, reset_after_ms, same_cause_failures, same_cause_window_ms, "
        + "any_cause_failures, any_cause_window_ms, probe_after_ms, shortage_delay_ms"
    private static let limits = "memory_mb, open_files, processes, cpu_percent"
    private static let wait = "wait_ms: must be a whole number from 0 to 2678400000 (milliseconds), not"
    private static let until =
        #"until: must be "HH:MM", a date and time such as "2026-11-24T18:30:00Z", or "never", not"#
    private static let command = #"a command as a list of texts, such as ["/usr/bin/logger", "-t", "schedhost"]"#

    static let values: [Mistake] = [
        Mistake(
            .plugin, "{ max_running: 2, group: 5 }",
            "F:1:3: max_running: holds for the whole host: set it in schedhost.json5, or a group here",
            #"F:1:26: group: must be a name of 1 to 64 characters, such as "heavy", or an object { name: "heavy", "#
                + "max_running: 1 }, not 5"),
        Mistake(
            .plugin, "{ cluster: { store: 'redis-store' }, run_on: 'two' }",
            "F:1:3: cluster: holds for the whole host: set it in schedhost.json5",
            #"F:1:46: run_on: must be one of "each", "one", "shards", not "two""#),
        Mistake(
            .host, "{ cluster: { lease_ms: 1000, name: 'a b', store: '' } }",
            "F:1:24: cluster.lease_ms: must be a whole number from 2000 to 600000 (milliseconds), not 1000",
            #"F:1:36: cluster.name: must be 1 to 32 of a-z A-Z 0-9 . _ -, not beginning with a dot, not "a b""#,
            #"F:1:50: cluster.store: must be a name of 1 to 64 characters, such as "heavy", not """#),
        Mistake(
            .host, "{ cluster: { weight: 50 } }",
            "F:1:22: cluster.weight: needs cluster.store beside it: the id of the plugin that is the store"),
        Mistake(
            .plugin, "{ group: { name: '', max_running: 0 } }",
            #"F:1:18: group.name: must be a name of 1 to 64 characters, such as "heavy", not """#,
            "F:1:35: group.max_running: must be a whole number from 1 to 1000000 (cycles), not 0"),
        Mistake(
            .plugin, "{ instances: { 'a b': {} } }",
            #"F:1:16: instances."a b": an instance's name has 1 to 32 of a-z A-Z 0-9 . _ -, not beginning with a dot"#),
        Mistake(
            .plugin, "{ instances: [] }", "F:1:14: instances: must be an object { … }, not a list"),
        Mistake(
            .plugin, "{ instances: { a: { instances: {} } } }",
            "F:1:21: instances.a.instances: unknown key; the keys here are \(top), params, routines"),
        Mistake(
            .declared, "{ instances: { a: { params: { port: 0 }, routines: { sampel: {} } } } }",
            "F:1:37: instances.a.params.port: must be a whole number from 1 to 65535, not 0",
            "F:1:54: instances.a.routines.sampel: market has no such routine; did you mean sample? it has sample, report"
        ),
        Mistake(
            .host, "{ instances: {} }",
            "F:1:3: instances: belongs to a plugin: set it in plugins { NAME: { instances: {} } }, or in the plugin's own file"
        ),
        Mistake(
            .plugin, "{ wait_ms: 5, schedule: 'daily' }",
            "F:1:25: schedule: and wait_ms are both given: a routine runs by one of them; remove the other"),
        Mistake(
            .plugin, "{ routines: { sample: { schedule: '0 30 9 * * 1-5' } } }",
            "F:1:35: routines.sample.schedule: '0 30 9 * * 1-5' at 1: cron programs read six fields differently: write "
                + "seconds as *-*-* 09:30:15"),
        Mistake(
            .plugin, "{ schedule: ['daily',\n'25:00'] }",
            "F:2:1: schedule[1]: '25' at 1: there is no such hour: it is 0 to 23"),
        Mistake(
            .host, "{ schedule: 5 }",
            #"F:1:13: schedule: must be a schedule such as "Mon..Fri 09:30 Europe/Berlin" or "30 9 * * 1-5", or a list of at "#
                + "most 16, not 5"),
        Mistake(
            .host, "{ zone: 'Nowhere' }",
            #"F:1:9: zone: there is no time zone "Nowhere": names are such as Europe/Berlin or UTC"#),
        Mistake(
            .host, "{ align: 'true' }", #"F:1:10: align: must be true or false, not "true"; write it without quotes"#),
        Mistake(
            .host, "{ dst: 'twice' }", #"F:1:8: dst: must be one of "once", "skip", "wall", not "twice""#),
        Mistake(
            .plugin, #"{ wait: 5 }"#,
            #"F:1:3: wait: unknown key; did you mean wait_ms? (the keys here are \#(top), params, routines, instances)"#
        ),
        Mistake(
            .plugin, #"{ waitMs: 5 }"#,
            #"F:1:3: waitMs: unknown key; did you mean wait_ms? (the keys here are \#(top), params, routines, instances)"#
        ),
        Mistake(
            .plugin, #"{ wait_ns: 5 }"#,
            #"F:1:3: wait_ns: unknown key; did you mean wait_ms? (the keys here are \#(top), params, routines, instances)"#
        ),
        Mistake(
            .plugin, #"{ colour: "red" }"#,
            #"F:1:3: colour: unknown key; the keys here are \#(top), params, routines, instances"#),
        Mistake(
            .plugin, #"{ memory_mb: 64 }"#,
            #"F:1:3: memory_mb: belongs in limits {}: write limits: { memory_mb: … }"#),
        Mistake(
            .plugin, #"{ first_delay_ms: 64 }"#,
            #"F:1:3: first_delay_ms: belongs in restart {}: write restart: { first_delay_ms: … }"#),
        Mistake(
            .plugin, #"{ limits: { memory: 64 } }"#,
            #"F:1:13: limits.memory: unknown key; did you mean memory_mb? (the keys here are \#(limits))"#
        ),
        Mistake(
            .plugin, #"{ limits: { wait_ms: 64 } }"#,
            #"F:1:13: limits.wait_ms: belongs outside of these braces; the keys here are \#(limits)"#
        ),
        Mistake(
            .plugin, #"{ limits: { command: ["x"] } }"#,
            #"F:1:13: limits.command: belongs in on_failure {}; the keys here are \#(limits)"#
        ),
        Mistake(
            .plugin, #"{ restart: { first_delay: 64 } }"#,
            #"F:1:14: restart.first_delay: unknown key; did you mean first_delay_ms? (the keys here are \#(restart))"#),
        Mistake(
            .plugin, #"{ on_failure: { cmd: ["x"] } }"#,
            #"F:1:17: on_failure.cmd: unknown key; the keys here are command, timeout_ms"#),
        Mistake(
            .plugin, #"{ wait_ms: "5000" }"#,
            #"F:1:12: \#(wait) "5000"; write it without quotes"#),
        Mistake(
            .plugin, #"{ wait_ms: "5s" }"#,
            #"F:1:12: \#(wait) "5s""#),
        Mistake(
            .plugin, #"{ wait_ms: 2.5 }"#,
            #"F:1:12: \#(wait) 2.5"#),
        Mistake(
            .plugin, #"{ wait_ms: -1 }"#,
            #"F:1:12: \#(wait) -1"#),
        Mistake(
            .plugin, #"{ wait_ms: 2678400001 }"#,
            #"F:1:12: \#(wait) 2678400001"#),
        Mistake(
            .plugin, #"{ wait_ms: null }"#,
            #"F:1:12: \#(wait) null; leave the key out for its default"#),
        Mistake(
            .plugin, #"{ wait_ms: true }"#,
            #"F:1:12: \#(wait) true"#),
        Mistake(
            .plugin, #"{ wait_ms: [5] }"#,
            #"F:1:12: \#(wait) a list"#),
        Mistake(
            .plugin, #"{ wait_ms: {} }"#,
            #"F:1:12: \#(wait) an object"#),
        Mistake(
            .plugin, #"{ wait_ms: NaN }"#,
            #"F:1:12: \#(wait) NaN"#),
        Mistake(
            .plugin, #"{ max_cycles: -3 }"#,
            #"F:1:15: max_cycles: must be a whole number from 1 to 9223372036854775807 (cycles), or 0 for no bound, not -3"#
        ),
        Mistake(
            .plugin, #"{ max_cycles: 1e30 }"#,
            #"F:1:15: max_cycles: must be a whole number from 1 to 9223372036854775807 (cycles), or 0 for no bound, not 1e+30"#
        ),
        Mistake(
            .plugin, #"{ until: "tomorrow" }"#,
            #"F:1:10: \#(until) "tomorrow""#),
        Mistake(
            .plugin, #"{ until: "25:00" }"#,
            #"F:1:10: \#(until) "25:00""#),
        Mistake(
            .plugin, #"{ until: "2026-02-30T00:00:00Z" }"#,
            #"F:1:10: \#(until) "2026-02-30T00:00:00Z""#),
        Mistake(
            .plugin, #"{ until: "2026-11-24T18:30:00" }"#,
            #"F:1:10: \#(until) "2026-11-24T18:30:00"; add Z for UTC, or an offset such as +01:00"#),
        Mistake(
            .plugin, #"{ until: 1800 }"#,
            #"F:1:10: \#(until) 1800"#),
        Mistake(
            .plugin, #"{ timeout_ms: -1 }"#,
            #"F:1:15: timeout_ms: must be a whole number from 1 to 2678400000 (milliseconds), or 0 for no timeout, not -1"#
        ),
        Mistake(
            .plugin, #"{ timeout_ms: Infinity }"#,
            #"F:1:15: timeout_ms: must be a whole number from 1 to 2678400000 (milliseconds), or 0 for no timeout, not Infinity"#
        ),
        Mistake(
            .plugin, #"{ isolation: "plugins" }"#,
            #"F:1:14: isolation: must be one of "plugin", "routine", "shared", not "plugins"; did you mean "plugin"?"#),
        Mistake(
            .plugin, #"{ isolation: "none" }"#,
            #"F:1:14: isolation: must be one of "plugin", "routine", "shared", not "none""#),
        Mistake(
            .plugin, #"{ isolation: 1 }"#,
            #"F:1:14: isolation: must be one of "plugin", "routine", "shared", not 1"#),
        Mistake(
            .plugin, #"{ restart: 5 }"#,
            #"F:1:12: restart: must be an object { … }, not 5"#),
        Mistake(
            .plugin, #"{ restart: { jitter_percent: 101 } }"#,
            #"F:1:30: restart.jitter_percent: must be a whole number from 0 to 100 (percent), not 101"#),
        Mistake(
            .plugin, #"{ enabled: "false" }"#,
            #"F:1:12: enabled: must be true or false, not "false"; write it without quotes"#),
        Mistake(
            .plugin, #"{ enabled: 0 }"#, #"F:1:12: enabled: must be true or false, not 0"#),
        Mistake(
            .plugin, #"{ on_error: "retri" }"#,
            #"F:1:13: on_error: must be one of "continue", "retry", "end_session", "stop", "quarantine", not "retri"; did you mean "retry"?"#
        ),
        Mistake(
            .plugin, #"{ restart: { same_cause_failures: 1001 } }"#,
            #"F:1:35: restart.same_cause_failures: must be a whole number from 1 to 1000 (deaths), or 0 for no quarantine, not 1001"#
        ),
        Mistake(
            .plugin, #"{ restart: { same_cause_window_ms: 999 } }"#,
            #"F:1:36: restart.same_cause_window_ms: must be a whole number from 1000 to 2678400000 (milliseconds), not 999"#
        ),
        Mistake(
            .plugin, #"{ restart: { probe_after_ms: 600000 } }"#,
            #"F:1:30: restart.probe_after_ms: must be a list of at most 16 whole numbers from 1000 to 2678400000 (milliseconds), not 600000"#
        ),
        Mistake(
            .plugin, #"{ restart: { probe_after_ms: [600000, "1h"] } }"#,
            #"F:1:39: restart.probe_after_ms[1]: must be a whole number from 1000 to 2678400000 (milliseconds), not "1h""#
        ),
        Mistake(
            .plugin, #"{ limits: { memory_mb: 1 } }"#,
            #"F:1:24: limits.memory_mb: must be a whole number from 16 to 1048576 (megabytes), or 0 for no limit, not 1"#
        ),
        Mistake(
            .plugin, #"{ caches: { durability: "pwoer" } }"#,
            #"F:1:25: caches.durability: must be one of "process", "power", not "pwoer"; did you mean "power"?"#),
        Mistake(
            .plugin, #"{ routines: { sample: { caches: { disk_files: 3 } } } }"#,
            #"F:1:47: routines.sample.caches.disk_files: must be a whole number from 8 to 10000000 (files), or 0 for no bound, not 3"#
        ),
        Mistake(
            .plugin, #"{ durability: "power" }"#,
            #"F:1:3: durability: belongs in caches {}: write caches: { durability: … }"#),
        Mistake(
            .plugin, #"{ limits: { open_files: 3 } }"#,
            #"F:1:25: limits.open_files: must be a whole number from 16 to 1048576 (open files), or 0 for the host's own limit, not 3"#
        ),
        Mistake(
            .plugin, #"{ limits: { processes: -1 } }"#,
            #"F:1:24: limits.processes: must be a whole number from 1 to 1048576 (processes), or 0 for no limit, not -1"#
        ),
        Mistake(
            .plugin, #"{ limits: { cpu_percent: 150 } }"#,
            #"F:1:26: limits.cpu_percent: must be a whole number from 1 to 100 (percent), or 0 for no limit, not 150"#),
        Mistake(
            .plugin, #"{ limits: [] }"#,
            #"F:1:11: limits: must be an object { … }, not a list"#),
        Mistake(
            .plugin, #"{ on_failure: "logger -t schedhost" }"#,
            #"F:1:15: on_failure: must be \#(command), or an object { command: […], timeout_ms: 10000 }, not "logger -t schedhost""#
        ),
        Mistake(
            .plugin, #"{ on_failure: [] , on_failure: [] }"#,
            #"F:1:20: on_failure: is given twice (first in line 1); remove one"#),
        Mistake(
            .plugin, #"{ on_failure: [""] }"#,
            #"F:1:16: on_failure[0]: must be a text without NUL characters, and the first names a program, not """#),
        Mistake(
            .plugin, #"{ on_failure: ["logger", 5] }"#,
            #"F:1:26: on_failure[1]: must be a text without NUL characters, and the first names a program, not 5"#),
        Mistake(
            .plugin, #"{ on_failure: { command: "logger" } }"#,
            #"F:1:26: on_failure.command: must be \#(command), not "logger"; put the program and each argument in quotes of their own, in [ ]"#
        ),
        Mistake(
            .plugin, #"{ on_failure: { timeout_ms: 5 } }"#,
            #"F:1:29: on_failure.timeout_ms: must be a whole number from 100 to 600000 (milliseconds), not 5"#),
        Mistake(
            .plugin, #"{ params: 5 }"#,
            #"F:1:11: params: must be an object { … }, not 5"#),
        Mistake(
            .plugin, #"{ params: { rate: NaN } }"#,
            #"F:1:19: params.rate: must be a finite number, not NaN"#),
        Mistake(
            .plugin, #"{ params: { "": 1 } }"#,
            #"F:1:13: params."": a parameter's name has 1 to 64 bytes"#),
        Mistake(
            .plugin, #"{ params: { a: [1, { b: Infinity }] } }"#,
            #"F:1:25: params.a[1].b: must be a finite number, not Infinity"#),
        Mistake(
            .plugin, #"{ params: { a: "x\0y" } }"#,
            #"F:1:16: params.a: a text may hold no NUL character"#),
        Mistake(
            .plugin, #"{ params: { a: 1, a: 2 } }"#,
            #"F:1:19: params.a: is given twice (first in line 1); remove one"#),
        Mistake(
            .plugin, #"{ routines: [] }"#,
            #"F:1:13: routines: must be an object { … }, not a list"#),
        Mistake(
            .plugin, #"{ routines: { sample: 5 } }"#,
            #"F:1:23: routines.sample: must be an object { … }, not 5"#),
        Mistake(
            .plugin, #"{ routines: { sample: { wait_ms: "x" } } }"#,
            #"F:1:34: routines.sample.\#(wait) "x""#),
        Mistake(
            .plugin, #"{ routines: { sample: { routines: {} } } }"#,
            #"F:1:25: routines.sample.routines: unknown key; the keys here are \#(top), params"#),
        Mistake(
            .plugin, #"{ routines: { sample: { isolation: "routine" } } }"#,
            #"F:1:25: routines.sample.isolation: holds for the whole plugin: set it beside routines {}, not in it"#),
        Mistake(
            .host, #"{ plugins: { market: { routines: { sample: { isolation: 5 } } } } }"#,
            #"F:1:46: plugins.market.routines.sample.isolation: holds for the whole plugin: set it beside routines {}, not in it"#
        ),
        Mistake(
            .plugin, #"{ routines: { sample: {}, sample: {} } }"#,
            #"F:1:27: routines.sample: is given twice (first in line 1); remove one"#),
        Mistake(
            .plugin, #"{ routines: { "two words": { wait: 1 } } }"#,
            #"F:1:30: routines."two words".wait: unknown key; did you mean wait_ms? (the keys here are \#(top), params)"#
        ),
        Mistake(
            .plugin, #"{ wait_ms: 1,~  wait_ms: 2 }"#,
            #"F:2:3: wait_ms: is given twice (first in line 1); remove one"#),
        Mistake(
            .plugin, #"{ plugins: {} }"#,
            #"F:1:3: plugins: belongs in schedhost.json5; the keys here are \#(top), params, routines, instances"#),
        Mistake(
            .host, #"{ params: { a: 1 } }"#,
            #"F:1:3: params: belongs to a plugin: set it in plugins { NAME: { params: {} } }, or in the plugin's own file"#
        ),
        Mistake(
            .host, #"{ routines: { sample: {} } }"#,
            #"F:1:3: routines: belongs to a plugin: set it in plugins { NAME: { routines: {} } }, or in the plugin's own file"#
        ),
        Mistake(
            .host, #"{ plugins: [] }"#,
            #"F:1:12: plugins: must be an object { … }, not a list"#),
        Mistake(
            .host, #"{ plugins: { market: 5 } }"#,
            #"F:1:22: plugins.market: must be an object { … }, not 5"#),
        Mistake(
            .host, #"{ plugins: { market: { wait_ms: -1 } } }"#,
            #"F:1:33: plugins.market.\#(wait) -1"#),
        Mistake(
            .host, #"{ plugins: { market: { routines: { sample: { limits: { cpu: 1 } } } } } }"#,
            #"F:1:56: plugins.market.routines.sample.limits.cpu: unknown key; did you mean cpu_percent? (the keys here are \#(limits))"#
        ),
        Mistake(
            .host, #"{ plugin: {} }"#,
            #"F:1:3: plugin: unknown key; did you mean plugins? (the keys here are \#(top), plugins, sandbox_limit, sandbox_users)"#
        ),
        Mistake(
            .declared, #"{ params: { prot: 80 } }"#,
            #"F:1:19: params.prot: market has no such parameter; did you mean port? it has port, ratio, mode, verbose, name"#
        ),
        Mistake(
            .declared, #"{ params: { colour: 80 } }"#,
            #"F:1:21: params.colour: market has no such parameter; it has port, ratio, mode, verbose, name"#),
        Mistake(
            .declared, #"{ params: { port: "80" } }"#,
            #"F:1:19: params.port: must be a whole number from 1 to 65535, not "80""#),
        Mistake(
            .declared, #"{ params: { port: 0 } }"#,
            #"F:1:19: params.port: must be a whole number from 1 to 65535, not 0"#),
        Mistake(
            .declared, #"{ params: { port: 80.5 } }"#,
            #"F:1:19: params.port: must be a whole number from 1 to 65535, not 80.5"#),
        Mistake(
            .declared, #"{ params: { ratio: 2 } }"#,
            #"F:1:20: params.ratio: must be a number from 0 to 1, not 2"#),
        Mistake(
            .declared, #"{ params: { ratio: "a" } }"#,
            #"F:1:20: params.ratio: must be a number from 0 to 1, not "a""#),
        Mistake(
            .declared, #"{ params: { mode: "medium" } }"#,
            #"F:1:19: params.mode: must be one of fast, slow, not "medium""#),
        Mistake(
            .declared, #"{ params: { mode: 5 } }"#,
            #"F:1:19: params.mode: must be one of fast, slow, not 5"#),
        Mistake(
            .declared, #"{ params: { verbose: "yes" } }"#,
            #"F:1:22: params.verbose: must be true or false, not "yes""#),
        Mistake(
            .declared, #"{ params: { verbose: 1 } }"#,
            #"F:1:22: params.verbose: must be true or false, not 1"#),
        Mistake(
            .declared, #"{ params: { name: 5 } }"#,
            #"F:1:19: params.name: must be a text, not 5"#),
        Mistake(
            .declared, #"{ params: { name: null } }"#,
            #"F:1:19: params.name: must be a text, not null"#),
        Mistake(
            .declared, #"{ routines: { smaple: {} } }"#,
            #"F:1:15: routines.smaple: market has no such routine; did you mean sample? it has sample, report"#),
        Mistake(
            .declared, #"{ routines: { other: {} } }"#,
            #"F:1:15: routines.other: market has no such routine; it has sample, report"#),
        Mistake(
            .declared, #"{ routines: { sample: { params: { port: 99999 } } } }"#,
            #"F:1:41: routines.sample.params.port: must be a whole number from 1 to 65535, not 99999"#),
        Mistake(
            .plugin, #"{ on_failure: { command: ["logger", "a\0b"] } }"#,
            #"F:1:37: on_failure.command[1]: must be a text without NUL characters, and the first names a program, not "a b""#
        ),
        Mistake(
            .plugin, #"{ # a comment~}"#,
            #"F:1:3: '#' where a name or } is expected; a comment begins with //"#),
        Mistake(
            .plugin, #"{ params: { "a-b": 1, c: @ } }"#,
            #"F:1:26: '@' where a value is expected"#),
        Mistake(
            .plugin, #"{ limits: { cpu: 50 } }"#,
            #"F:1:13: limits.cpu: unknown key; did you mean cpu_percent? (the keys here are \#(limits))"#
        ),
        Mistake(
            .declared, #"{ params: { mode: "Fast" }, routines: { smple: {} } }"#,
            #"F:1:19: params.mode: must be one of fast, slow, not "Fast""#,
            #"F:1:41: routines.smple: market has no such routine; did you mean sample? it has sample, report"#),
    ]
}

internal import HostPolicy

/// The reference of all configuration keys, with type, unit, range, default, places, description and example. The help,
/// the manual page and the README are generated from it.
///
/// The compiler rejects a key that has no entry. Pure.
public enum ConfigurationReference {
    /// A group of related keys.
    public struct Section: Equatable, Sendable {
        /// The title of the group.
        public let title: String
        /// The keys.
        public let entries: [ConfigurationEntry]
    }

    /// All keys, grouped in the order of the reference.
    public static let sections: [Section] = ConfigurationWords.Topic.allCases.map { topic in
        let settings = SettingKey.allCases.filter { words($0).topic == topic }.map(entry)
        let containers = topic == .parts ? SettingContainer.allCases.map(ContainerReference.entry) : []
        return Section(title: topic.rawValue, entries: settings + containers)
    }

    /// All entries.
    public static var entries: [ConfigurationEntry] { sections.flatMap(\.entries) }

    private static func entry(_ key: SettingKey) -> ConfigurationEntry {
        let words = words(key)
        var places: [ConfigurationPlace] = words.field.map { [.descriptor($0)] } ?? []
        places += [.hostFile, .pluginFile]
        if key != .isolation { places.append(.routine) }
        if key.isHostWide { places = [.hostFile] }
        if let option = words.option { places.append(.commandLine(option)) }
        return ConfigurationEntry(
            key: key.rawValue, group: key.group, form: key.form, builtIn: words.unset ?? builtIn(key), places: places,
            text: words.text, example: words.example)
    }

    /// The built-in value as a file would write it, with the meaning of 0.
    private static func builtIn(_ key: SettingKey) -> String {
        switch key.builtIn {
        case .integer(0): key.form.zero.map { "0 (\($0))" } ?? "0"
        case .word(let word): "\"\(word)\""
        case .until(let until): "\"\(until)\""
        case .integer, .integers, .flag, .command, .texts: key.builtIn?.description ?? ""
        case nil: ""
        }
    }

    private static func words(_ key: SettingKey) -> ConfigurationWords {
        switch key {
        case .waitMs:
            ConfigurationWords(
                .times,
                "How long it is from the start of one cycle to the start of the next one (0: back to back); a longer wait "
                    + "spares the source, a shorter one gives fresher values.",
                "wait_ms: 5000", unset: "the plugin's own", field: "wait_ms")
        case .schedule:
            ConfigurationWords(
                .times,
                "The times at which cycles begin, in place of wait_ms, for work that belongs to an hour of the day or a "
                    + "day of the week; schedhost calendar shows what a text means.",
                "schedule: \"Mon..Fri 09:30 Europe/Berlin\"", unset: "the plugin's own, or none",
                field: "schedule")
        case .zone:
            ConfigurationWords(
                .times,
                "The time zone of schedules that name none, for machines whose own zone is not the one that is meant.",
                "zone: \"Europe/Berlin\"", unset: "the machine's own")
        case .dst:
            ConfigurationWords(
                .times,
                "What becomes of a schedule's times when the clocks change: with \"once\" an hour that is named comes once a "
                    + "day, with \"skip\" what the clocks skip is lost, with \"wall\" it is lost or comes twice as on a "
                    + "clock on the wall; \"skip\" is for runs that do harm at another hour than theirs.",
                "dst: \"skip\"")
        case .deadlineMs:
            ConfigurationWords(
                .times,
                "How late a run by a schedule may begin before it is counted as missed instead, for work that is "
                    + "worthless, or does harm, when it is late.",
                "deadline_ms: 3600000")
        case .catchUp:
            ConfigurationWords(
                .times,
                "What happens at the start if a schedule's time passed while no host ran: one run with \"once\", nothing "
                    + "with \"none\", which is for work that only makes sense at its time.",
                "catch_up: \"none\"")
        case .jitterMs:
            ConfigurationWords(
                .times,
                "By how much a schedule's starts are spread at most, always alike for one routine, so that many routines do "
                    + "not ask one server in the same second.",
                "jitter_ms: 30000")
        case .align:
            ConfigurationWords(
                .times,
                "Whether cycles begin at the multiples of wait_ms since 1970 UTC, for work that is to begin with the minute "
                    + "or the hour.",
                "align: true")
        case .alignOffsetMs:
            ConfigurationWords(
                .times,
                "By how much the multiples of align are moved, so that a cycle comes, say, 5 s after the full minute, "
                    + "when the source is ready.",
                "align_offset_ms: 5000")
        case .first:
            ConfigurationWords(
                .times,
                "When the first cycle of a session comes: \"now\", \"after_wait\", or \"due\", which is one wait after the "
                    + "last cycle that there was, also in an earlier host, so that a restart does not repeat rare and "
                    + "expensive work.",
                "first: \"due\"", unset: "\"now\"; by a schedule or with align, its next time")
        case .maxCycles:
            ConfigurationWords(
                .times,
                "After how many cycles a session is complete and none follows it, for work that has an end and for trials.",
                "max_cycles: 1000", field: "max_cycles", option: .maxCycles)
        case .until:
            ConfigurationWords(
                .times,
                "When sessions are complete and none follows them: the next time that the local clock shows HH:MM, or a "
                    + "moment; it is for work that has to end by a certain time.",
                "until: \"18:30\"", option: .until)
        case .timeoutMs:
            ConfigurationWords(
                .life,
                "How long a callback may take before its worker is ended where it hangs; more is for slow work, less "
                    + "finds a hang sooner.",
                "timeout_ms: 30000", unset: "10 x wait_ms, from 60000 to 3600000; by a schedule 3600000",
                field: "timeout_ms")
        case .isolation:
            ConfigurationWords(
                .life,
                "How many routines share a worker process: one plugin's, one alone, or those of all plugins; \"routine\" "
                    + "keeps routines of a plugin from harming each other, \"shared\" saves memory and protects nobody.",
                "isolation: \"routine\"", option: .isolation)
        case .enabled:
            ConfigurationWords(
                .life,
                "Whether the routine, or all of a plugin's, is started; false keeps a plugin in its place without running it.",
                "enabled: false")
        case .maxRunning:
            ConfigurationWords(
                .life,
                "How many cycles run at once in the host at most, first due first; a bound spares a machine on which "
                    + "many routines are due together, and lateness shows what the others waited.",
                "max_running: 8")
        case .groupName:
            ConfigurationWords(
                .life,
                "The group of a routine, of which only so many cycles run at once, whichever plugins they are of; group: "
                    + "\"heavy\" says the same, and it is for work that gets in its own way.",
                "group: { name: \"heavy\" }", unset: "none")
        case .groupMaxRunning:
            ConfigurationWords(
                .life,
                "How many cycles of its group may run when one of this routine begins, its own included; set in schedhost.json5 "
                    + "it holds for all groups.",
                "group: { max_running: 2 }")
        case .onError:
            ConfigurationWords(
                .errors,
                "What follows an error of a callback where the routine has no hook that decides: \"continue\" (it is counted, "
                    + "and the next cycle comes when it is due), \"retry\", \"end_session\" (a new session follows), \"stop\" "
                    + "(until a person starts it) or \"quarantine\" (until its file changes or a person resumes it); "
                    + "\"continue\" keeps what the session has in memory.",
                "on_error: \"continue\"")
        case .retryDelayMs:
            ConfigurationWords(
                .errors,
                "How long after an error the same cycle is tried again, where on_error or a hook wants a retry; more is for "
                    + "sources that need time to recover.",
                "retry: { delay_ms: 5000 }")
        case .retryAttempts:
            ConfigurationWords(
                .errors,
                "How often one cycle is tried at most, also when a hook wants a retry, before its session ends; more "
                    + "is for sources that fail now and then.",
                "retry: { attempts: 5 }")
        case .restartFirstDelayMs:
            ConfigurationWords(
                .restart,
                "How long the back-off is after the first error, and after the second death in a row (each further one "
                    + "doubles it); less is for routines that are missed at once.",
                "restart: { first_delay_ms: 1000 }")
        case .restartMaxDelayMs:
            ConfigurationWords(
                .restart,
                "What the doubled back-off stops at; less brings a routine back sooner after a long failure, more spares "
                    + "its source.",
                "restart: { max_delay_ms: 300000 }")
        case .restartJitterPercent:
            ConfigurationWords(
                .restart,
                "By how much of itself a back-off varies to either side, so that many routines do not return at once.",
                "restart: { jitter_percent: 25 }")
        case .restartResetAfterMs:
            ConfigurationWords(
                .restart,
                "How long a session must have lived, with a good cycle, to end a row of deaths and the quarantine of a "
                    + "routine on trial; more is for routines that die late.",
                "restart: { reset_after_ms: 600000 }")
        case .restartSameCauseFailures:
            ConfigurationWords(
                .restart,
                "How many deaths for one cause quarantine a routine; less gives up sooner on a bug that repeats itself.",
                "restart: { same_cause_failures: 3 }")
        case .restartSameCauseWindowMs:
            ConfigurationWords(
                .restart,
                "The time in which deaths for one cause are counted; more also finds a crash that comes once an hour.",
                "restart: { same_cause_window_ms: 86400000 }")
        case .restartAnyCauseFailures:
            ConfigurationWords(
                .restart,
                "How many deaths of any kind quarantine a routine; more bears with a routine that is known to be unsteady.",
                "restart: { any_cause_failures: 100 }")
        case .restartAnyCauseWindowMs:
            ConfigurationWords(
                .restart, "The time in which deaths of any kind are counted; more is stricter.",
                "restart: { any_cause_window_ms: 7200000 }")
        case .restartProbeAfterMs:
            ConfigurationWords(
                .restart,
                "After which times a quarantined routine is tried again, the last one for ever ([]: never); shorter "
                    + "times are for routines whose faults mend themselves.",
                "restart: { probe_after_ms: [60000, 600000] }")
        case .restartShortageDelayMs:
            ConfigurationWords(
                .restart,
                "How long after the host lacked something itself (disk, descriptors, memory) it tries again; more is for "
                    + "machines that are short for minutes.",
                "restart: { shortage_delay_ms: 10000 }")
        case .limitMemoryMb:
            ConfigurationWords(
                .limits,
                "How much memory the worker may have: its data, and with a control group (see status) shared memory too.",
                "limits: { memory_mb: 256 }")
        case .limitOpenFiles:
            ConfigurationWords(
                .limits,
                "How many files the worker may have open, so that a leak of descriptors is found where it happens.",
                "limits: { open_files: 128 }")
        case .limitProcesses:
            ConfigurationWords(
                .limits,
                "How many processes and threads the worker may have, its own included, so that it cannot fork without end.",
                "limits: { processes: 64 }")
        case .limitCpuPercent:
            ConfigurationWords(
                .limits,
                "What share of a processor the worker gets, so that heavy work does not slow down the rest: at most, where "
                    + "there are control groups (status says so), else while others want it too.",
                "limits: { cpu_percent: 50 }")
        case .sandboxRead:
            ConfigurationWords(
                .sandbox,
                "What may be read: everything but devices, files of ${file:} and the host's own (what is made later beside "
                    + "these: by the next worker only); a list, and what all programs need, takes its place.",
                "sandbox: { read: [\"/var/log/app\"] }")
        case .sandboxWrite:
            ConfigurationWords(
                .sandbox,
                "What may be written, beside the plugin's caches, the folder in SCHEDHOST_DATA and absolute paths in params. "
                    + "What is not there when the worker starts gives nothing, as the log says.",
                "sandbox: { write: [\"/srv/out\"] }")
        case .sandboxExecute:
            ConfigurationWords(
                .sandbox,
                "Which programs may be executed, each in the same sandbox; \"none\" is for plugins that start no others.",
                "sandbox: { execute: [\"/usr/bin/git\"] }")
        case .sandboxConnect:
            ConfigurationWords(
                .sandbox, "To which TCP ports of any machine it may connect.", "sandbox: { connect: [443] }")
        case .sandboxBind:
            ConfigurationWords(
                .sandbox, "At which TCP ports the plugin may listen, for plugins that are servers.",
                "sandbox: { bind: [9100] }", unset: "[] (none)")
        case .sandboxUDP:
            ConfigurationWords(
                .sandbox, "Whether UDP may be used; names are looked up by it.", "sandbox: { udp: false }")
        case .sandboxUnix:
            ConfigurationWords(
                .sandbox,
                "Sockets in the file system that the plugin may connect to; any entry allows all of them, as far as their modes do.",
                "sandbox: { unix: [\"/run/postgresql/.s.PGSQL.5432\"] }", unset: "[] (none)")
        case .sandboxSyscalls:
            ConfigurationWords(
                .sandbox,
                "System calls that are given back to the plugin; the log names refused ones that no program makes by accident, and where.",
                "sandbox: { syscalls: [\"chmod\"] }", unset: "[] (none)")
        case .sandboxEnvironment:
            ConfigurationWords(
                .sandbox,
                "Variables of the host's environment that the worker has too, beside those that every program needs.",
                "sandbox: { environment: [\"PGPASSFILE\"] }", unset: "[] (none)")
        case .sandboxLevel:
            ConfigurationWords(
                .sandbox,
                "Whether a plugin is kept from touching what is not its own: with \"on\" as far as this kernel can; with "
                    + "\"required\" it is refused where that is not all. sandbox: \"on\" says the same in short.",
                "sandbox: { level: \"required\" }")
        case .cacheDurability:
            ConfigurationWords(
                .caches,
                "What a saved value survives: any crash of a process with \"process\"; a power loss too with \"power\", where "
                    + "each save waits for the disk.",
                "caches: { durability: \"power\" }")
        case .cacheValueMb:
            ConfigurationWords(
                .caches,
                "The largest value that is kept (a larger one is served and not kept); more is for large downloads.",
                "caches: { value_mb: 64 }")
        case .cacheMemoryMb:
            ConfigurationWords(
                .caches,
                "What all caches of a worker hold in memory together; less saves memory, more saves loads.",
                "caches: { memory_mb: 64 }")
        case .cacheDiskFiles:
            ConfigurationWords(
                .caches,
                "How many values with keys one cache keeps on disk, and past it the least recently written ones go; "
                    + "more is for many keys.",
                "caches: { disk_files: 1000 }")
        case .cacheDiskMb:
            ConfigurationWords(
                .caches,
                "How much disk the values with keys of one cache take, each at least 4 KiB; less keeps a small disk free.",
                "caches: { disk_mb: 100 }")
        case .cacheShared:
            ConfigurationWords(
                .caches,
                "Which caches the hosts of a cluster share: none with \"off\", those that the plugin declares to be so with "
                    + "\"declared\", and all that hold bytes with \"all\". One host then loads a value for all. It needs cluster {}.",
                "caches: { shared: \"all\" }")
        case .cacheSharedTimeoutMs:
            ConfigurationWords(
                .caches,
                "How long the store of shared caches may take to answer before a host goes on without it; more is for a store that "
                    + "is far away.",
                "caches: { shared_timeout_ms: 1000 }")
        case .cacheSharedKeys:
            ConfigurationWords(
                .caches,
                "How many values of the plugin a host keeps in the store of shared caches, whatever the plugin asks for; more stay "
                    + "on the host.",
                "caches: { shared_keys: 100000 }")
        case .cacheSharedMb:
            ConfigurationWords(
                .caches,
                "How much of the store of shared caches a host fills with the plugin's values; what finds no room stays on the host.",
                "caches: { shared_mb: 1024 }")
        case .runOn: ClusterReference.runOn
        case .shards: ClusterReference.shards
        case .rebalance: ClusterReference.rebalance
        case .clusterStore: ClusterReference.store
        case .clusterCacheStore: ClusterReference.cacheStore
        case .clusterLinks: ClusterReference.links
        case .clusterName: ClusterReference.name
        case .clusterLeaseMs: ClusterReference.leaseMs
        case .clusterWeight: ClusterReference.weight
        case .onFailureCommand:
            ConfigurationWords(
                .told,
                "The program that is run after each session that failed, with the session's record as a line of JSON on its "
                    + "standard input, to send a mail or a message.",
                "on_failure: { command: [\"/usr/bin/logger\", \"-t\", \"schedhost\"] }", unset: "[] (none)")
        case .onFailureTimeoutMs:
            ConfigurationWords(
                .told,
                "How long that program, and those of the other hooks, may take before it is ended; more is for a slow mail server.",
                "on_failure: { timeout_ms: 30000 }")
        case .onRecovery:
            ConfigurationWords(
                .told,
                "The program that is run at the first good cycle after a session that failed, to say that all is well again.",
                "on_recovery: [\"/usr/bin/logger\", \"well again\"]")
        case .onEnd:
            ConfigurationWords(
                .told,
                "The program that is run after each session, however it ended, with its record on the standard input, for what "
                    + "follows on the work.",
                "on_end: [\"/usr/bin/logger\", \"done\"]")
        case .onSilenceAfterMs:
            ConfigurationWords(
                .told,
                "After how long without a good cycle the program of on_silence.run is run, once until there is one again; more "
                    + "is for work that may be late.",
                "on_silence: { after_ms: 600000 }")
        case .onSilenceRun:
            ConfigurationWords(
                .told,
                "The program that is run then, whatever the reason is that nothing comes: failures, a quarantine, or a source "
                    + "that hangs.",
                "on_silence: { run: [\"/usr/bin/logger\", \"silent\"] }")
        }
    }
}

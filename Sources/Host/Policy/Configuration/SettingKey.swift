public import HostValues

/// A setting of a routine, plugin or host. The raw value is its path in a configuration file.
public enum SettingKey: String, CaseIterable, Sendable {
    case waitMs = "wait_ms"
    case schedule
    case zone
    case dst
    case deadlineMs = "deadline_ms"
    case catchUp = "catch_up"
    case jitterMs = "jitter_ms"
    case align
    case alignOffsetMs = "align_offset_ms"
    case first
    case maxCycles = "max_cycles"
    case until
    case timeoutMs = "timeout_ms"
    case isolation
    case enabled
    case maxRunning = "max_running"
    case groupName = "group.name"
    case groupMaxRunning = "group.max_running"
    case runOn = "run_on"
    case shards
    case rebalance
    case onError = "on_error"
    case retryDelayMs = "retry.delay_ms"
    case retryAttempts = "retry.attempts"
    case restartFirstDelayMs = "restart.first_delay_ms"
    case restartMaxDelayMs = "restart.max_delay_ms"
    case restartJitterPercent = "restart.jitter_percent"
    case restartResetAfterMs = "restart.reset_after_ms"
    case restartSameCauseFailures = "restart.same_cause_failures"
    case restartSameCauseWindowMs = "restart.same_cause_window_ms"
    case restartAnyCauseFailures = "restart.any_cause_failures"
    case restartAnyCauseWindowMs = "restart.any_cause_window_ms"
    case restartProbeAfterMs = "restart.probe_after_ms"
    case restartShortageDelayMs = "restart.shortage_delay_ms"
    case limitMemoryMb = "limits.memory_mb"
    case limitOpenFiles = "limits.open_files"
    case limitProcesses = "limits.processes"
    case limitCpuPercent = "limits.cpu_percent"
    case sandboxLevel = "sandbox.level"
    case sandboxRead = "sandbox.read"
    case sandboxWrite = "sandbox.write"
    case sandboxExecute = "sandbox.execute"
    case sandboxConnect = "sandbox.connect"
    case sandboxBind = "sandbox.bind"
    case sandboxUDP = "sandbox.udp"
    case sandboxUnix = "sandbox.unix"
    case sandboxSyscalls = "sandbox.syscalls"
    case sandboxEnvironment = "sandbox.environment"
    case cacheDurability = "caches.durability"
    case cacheValueMb = "caches.value_mb"
    case cacheMemoryMb = "caches.memory_mb"
    case cacheDiskFiles = "caches.disk_files"
    case cacheDiskMb = "caches.disk_mb"
    case cacheShared = "caches.shared"
    case cacheSharedTimeoutMs = "caches.shared_timeout_ms"
    case cacheSharedKeys = "caches.shared_keys"
    case cacheSharedMb = "caches.shared_mb"
    case onFailureCommand = "on_failure.command"
    case onFailureTimeoutMs = "on_failure.timeout_ms"
    case onRecovery = "on_recovery"
    case onEnd = "on_end"
    case onSilenceAfterMs = "on_silence.after_ms"
    case onSilenceRun = "on_silence.run"
    case clusterStore = "cluster.store"
    case clusterCacheStore = "cluster.cache_store"
    case clusterName = "cluster.name"
    case clusterLeaseMs = "cluster.lease_ms"
    case clusterWeight = "cluster.weight"
    case clusterLinks = "cluster.links"
}

/// The value of a setting.
public enum SettingValue: Equatable, Sendable, CustomStringConvertible {
    case integer(UInt64)
    case integers([UInt64])
    case word(String)
    case flag(Bool)
    case until(Until)
    case command([String])
    case texts([String])

    /// This list, followed by the elements that only the other list has; nil if the values are not two lists of one
    /// type.
    func adding(_ other: SettingValue) -> SettingValue? {
        switch (self, other) {
        case (.texts(let a), .texts(let b)): .texts(a + b.filter { !a.contains($0) })
        case (.integers(let a), .integers(let b)): .integers(a + b.filter { !a.contains($0) })
        default: nil
        }
    }

    /// The value as `list` shows it and as a configuration file may contain it.
    public var description: String {
        switch self {
        case .integer(let value): return String(value)
        case .integers(let values): return "[\(values.map { String($0) }.joined(separator: ", "))]"
        case .word(let word): return word
        case .flag(let flag): return "\(flag)"
        case .until(let until): return until.description
        case .command(let words), .texts(let words):
            if case .texts = self, words.count == 1 { return words[0] }
            return "[\(words.map { JSONValue.quoted($0) }.joined(separator: ", "))]"
        }
    }
}

/// The form of a setting's value.
enum SettingShape {
    /// A whole number in a range. `zero` is the meaning of 0 if that is outside the range.
    case integer(ClosedRange<UInt64>, of: String, zero: String?)
    /// A list of whole numbers, each within the range.
    case integers(ClosedRange<UInt64>, of: String, most: Int)
    /// One of the given words.
    case word([String])
    case flag
    case until
    case command
    /// A schedule or a list of schedules.
    case schedules(most: Int)
    /// The name of a time zone.
    case zone
    /// A name that the user chooses.
    case name
    /// A name of letters, digits and a few signs.
    case plainName
    /// A list of sandbox permissions, or one of the given words. The lists of several sources are combined.
    case grants(Grant, words: [String])

    /// The kinds of sandbox permission.
    enum Grant {
        case paths, ports, calls, variables

        /// Whether a text is valid for this kind.
        func takes(_ text: String) -> Bool {
            switch self {
            case .paths:
                text.hasPrefix("/") && text.utf8.count < 4096 && !text.split(separator: "/").contains("..")
            case .ports: false
            case .calls: SystemCall(text) != nil
            case .variables: !text.isEmpty && !text.contains("=")
            }
        }

        /// The elements of the list, for messages.
        var things: String {
            switch self {
            case .paths: "paths from the root on"
            case .ports: "ports"
            case .calls: "system calls"
            case .variables: "names of environment variables"
            }
        }

        /// One element, for messages.
        var thing: String {
            switch self {
            case .paths: "a path from the root on, such as \"/srv/out\""
            case .ports: "a port from 0 to 65535"
            case .calls: "a system call that a sandbox refuses, such as \"ptrace\""
            case .variables: "the name of an environment variable"
            }
        }
    }

    /// The permitted values of one element of a list, for messages.
    var allowedElement: String {
        switch self {
        case .integers(let range, let unit, _):
            "a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
        case .command: "a text without NUL characters, and the first names a program"
        case .grants(let grant, _): grant.thing
        case .integer, .word, .until, .flag, .schedules, .zone, .name, .plainName: allowed
        }
    }

    /// Whether a value that is given for a whole group can stand for the key with this shape.
    func takesShort(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.command, .array), (.word, .string), (.name, .string): true
        default: false
        }
    }

    /// The permitted values, as the end of a sentence.
    var allowed: String {
        switch self {
        case .integer(let range, let unit, let zero):
            let whole = "a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))"
            return zero.map { "\(whole), or 0 for \($0)" } ?? whole
        case .integers(let range, let unit, let most):
            return
                "a list of at most \(most) whole numbers from \(range.lowerBound) to \(range.upperBound) (\(unit))"
        case .word(let words): return "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .flag: return "true or false"
        case .schedules(let most):
            return
                "a schedule such as \"Mon..Fri 09:30 Europe/Berlin\" or \"30 9 * * 1-5\", or a list of at most \(most)"
        case .name: return "a name of 1 to 64 characters, such as \"heavy\""
        case .plainName: return "1 to \(InstanceName.most) of a-z A-Z 0-9 . _ -, not beginning with a dot"
        case .zone: return "the name of a time zone, such as \"Europe/Berlin\""
        case .grants(let grant, let words):
            return "a list of \(grant.things)" + words.map { ", or \"\($0)\"" }.joined()
        case .until: return "\"HH:MM\", a date and time such as \"2026-11-24T18:30:00Z\", or \"never\""
        case .command: return "a command as a list of texts, such as [\"/usr/bin/logger\", \"-t\", \"schedhost\"]"
        }
    }
}

extension SettingKey {
    private static let month = RoutineTiming.longestMs
    private static let day: UInt64 = 86_400_000

    /// The form of the value.
    var shape: SettingShape {
        switch self {
        case .waitMs: .integer(0...Self.month, of: "milliseconds", zero: nil)
        case .schedule: .schedules(most: 16)
        case .zone: .zone
        case .dst: .word(DaylightSaving.allCases.map(\.rawValue))
        case .deadlineMs: .integer(1...Self.month, of: "milliseconds", zero: "no deadline")
        case .catchUp: .word(RoutineTiming.CatchUp.allCases.map(\.rawValue))
        case .jitterMs: .integer(0...Self.day, of: "milliseconds", zero: nil)
        case .align: .flag
        case .alignOffsetMs: .integer(0...Self.month, of: "milliseconds", zero: nil)
        case .first: .word(RoutineTiming.First.allCases.map(\.rawValue))
        case .maxCycles: .integer(1...UInt64(Int64.max), of: "cycles", zero: "no bound")
        case .until: .until
        case .timeoutMs: .integer(1...Self.month, of: "milliseconds", zero: "no timeout")
        case .isolation: .word(Isolation.allCases.map(\.rawValue))
        case .enabled: .flag
        case .maxRunning: .integer(1...1_000_000, of: "cycles", zero: "no bound")
        case .groupName: .name
        case .groupMaxRunning: .integer(1...1_000_000, of: "cycles", zero: nil)
        case .runOn: .word(RunOn.allCases.map(\.rawValue))
        case .shards: .integer(1...1024, of: "parts", zero: nil)
        case .rebalance: .word(Rebalance.allCases.map(\.rawValue))
        case .onError: .word(ErrorAction.allCases.map(\.rawValue))
        case .retryDelayMs: .integer(0...Self.day, of: "milliseconds", zero: nil)
        case .retryAttempts: .integer(1...1000, of: "attempts", zero: nil)
        case .restartFirstDelayMs, .restartMaxDelayMs: .integer(0...Self.day, of: "milliseconds", zero: nil)
        case .restartJitterPercent: .integer(0...100, of: "percent", zero: nil)
        case .restartResetAfterMs: .integer(0...Self.day, of: "milliseconds", zero: nil)
        case .restartSameCauseFailures, .restartAnyCauseFailures:
            .integer(1...UInt64(RestartSettings.mostFailures), of: "deaths", zero: "no quarantine")
        case .restartSameCauseWindowMs, .restartAnyCauseWindowMs:
            .integer(1000...Self.month, of: "milliseconds", zero: nil)
        case .restartProbeAfterMs: .integers(1000...Self.month, of: "milliseconds", most: 16)
        case .restartShortageDelayMs: .integer(100...Self.day, of: "milliseconds", zero: nil)
        case .limitMemoryMb: .integer(16...1_048_576, of: "megabytes", zero: "no limit")
        case .limitOpenFiles: .integer(16...1_048_576, of: "open files", zero: "the host's own limit")
        case .limitProcesses: .integer(1...1_048_576, of: "processes", zero: "no limit")
        case .limitCpuPercent: .integer(1...100, of: "percent", zero: "no limit")
        case .sandboxLevel: .word(SandboxSettings.Level.allCases.map(\.rawValue))
        case .sandboxRead: .grants(.paths, words: ["all"])
        case .sandboxWrite: .grants(.paths, words: [])
        case .sandboxExecute: .grants(.paths, words: ["any", "none"])
        case .sandboxConnect: .grants(.ports, words: ["any", "none"])
        case .sandboxBind: .grants(.ports, words: ["none"])
        case .sandboxUDP: .flag
        case .sandboxUnix: .grants(.paths, words: ["none"])
        case .sandboxSyscalls: .grants(.calls, words: [])
        case .sandboxEnvironment: .grants(.variables, words: [])
        case .cacheDurability: .word(CacheDurability.allCases.map(\.rawValue))
        case .cacheValueMb: .integer(1...1024, of: "megabytes", zero: nil)
        case .cacheMemoryMb: .integer(1...1_048_576, of: "megabytes", zero: nil)
        case .cacheDiskFiles: .integer(8...10_000_000, of: "files", zero: "no bound")
        case .cacheDiskMb: .integer(1...1_048_576, of: "megabytes", zero: "no bound")
        case .cacheShared: .word(CacheSharing.allCases.map(\.rawValue))
        case .cacheSharedTimeoutMs: .integer(10...10_000, of: "milliseconds", zero: nil)
        case .cacheSharedKeys: .integer(1...1_000_000, of: "values", zero: nil)
        case .cacheSharedMb: .integer(1...1_048_576, of: "megabytes", zero: nil)
        case .onFailureCommand, .onRecovery, .onEnd, .onSilenceRun: .command
        case .onSilenceAfterMs: .integer(1000...Self.month, of: "milliseconds", zero: "never")
        case .onFailureTimeoutMs: .integer(100...600_000, of: "milliseconds", zero: nil)
        case .clusterStore, .clusterCacheStore: .name
        case .clusterLinks: .integer(1...16, of: "connections", zero: nil)
        case .clusterName: .plainName
        case .clusterLeaseMs: .integer(2000...600_000, of: "milliseconds", zero: nil)
        case .clusterWeight: .integer(1...ClusterSettings.mostWeight, of: "parts", zero: "nothing")
        }
    }

    /// The built-in value; nil if leaving the key unset has a meaning of its own.
    public var builtIn: SettingValue? {
        let restart = RestartSettings()
        return switch self {
        case .groupName: nil
        case .groupMaxRunning: .integer(1)
        case .maxRunning, .waitMs, .maxCycles, .limitMemoryMb, .limitOpenFiles, .limitProcesses, .limitCpuPercent:
            .integer(0)
        case .schedule, .zone, .first: nil
        case .dst: .word(DaylightSaving.once.rawValue)
        case .deadlineMs, .jitterMs, .alignOffsetMs: .integer(0)
        case .catchUp: .word(RoutineTiming.CatchUp.once.rawValue)
        case .align: .flag(false)
        case .until: .until(.never)
        case .timeoutMs: nil
        case .isolation: .word(Isolation.plugin.rawValue)
        case .enabled: .flag(true)
        case .runOn: .word(RunOn.each.rawValue)
        case .shards, .rebalance: nil
        case .onError: .word(ErrorDefault().decision.rawValue)
        case .retryDelayMs: .integer(ErrorDefault().retryMs)
        case .retryAttempts: .integer(UInt64(ErrorDefault().attempts))
        case .restartFirstDelayMs: .integer(restart.firstDelayMs)
        case .restartMaxDelayMs: .integer(restart.maxDelayMs)
        case .restartJitterPercent: .integer(restart.jitterPercent)
        case .restartResetAfterMs: .integer(restart.resetAfterMs)
        case .restartSameCauseFailures: .integer(restart.sameCauseFailures)
        case .restartSameCauseWindowMs: .integer(restart.sameCauseWindowMs)
        case .restartAnyCauseFailures: .integer(restart.anyCauseFailures)
        case .restartAnyCauseWindowMs: .integer(restart.anyCauseWindowMs)
        case .restartProbeAfterMs: .integers(restart.probeAfterMs)
        case .restartShortageDelayMs: .integer(restart.shortageDelayMs)
        case .sandboxLevel: .word(SandboxSettings.Level.on.rawValue)
        case .sandboxRead: .word("all")
        case .sandboxExecute, .sandboxConnect: .word("any")
        case .sandboxBind: .integers([])
        case .sandboxUDP: .flag(SandboxSettings().udp)
        case .sandboxWrite, .sandboxUnix, .sandboxSyscalls, .sandboxEnvironment: .texts([])
        case .cacheDurability: .word(CacheDurability.process.rawValue)
        case .cacheValueMb: .integer(WorkerLimits().cacheValueMb)
        case .cacheMemoryMb: .integer(WorkerLimits().cacheMemoryMb)
        case .cacheDiskFiles: .integer(CacheSettings().diskFiles)
        case .cacheDiskMb: .integer(CacheSettings().diskMb)
        case .cacheShared: .word(CacheSharing.declared.rawValue)
        case .cacheSharedTimeoutMs: .integer(CacheSettings().sharedTimeoutMs)
        case .cacheSharedKeys: .integer(CacheSettings().sharedKeys)
        case .cacheSharedMb: .integer(CacheSettings().sharedMb)
        case .onFailureCommand, .onRecovery, .onEnd, .onSilenceRun: .command([])
        case .onSilenceAfterMs: .integer(0)
        case .onFailureTimeoutMs: .integer(10_000)
        case .clusterStore, .clusterCacheStore: nil
        case .clusterLinks: .integer(2)
        case .clusterName: .word(ClusterSettings.builtInName)
        case .clusterLeaseMs: .integer(10_000)
        case .clusterWeight: .integer(100)
        }
    }

    /// The object that contains the key, such as `restart`; nil for a key at the top level.
    public var group: String? {
        let parts = rawValue.split(separator: ".")
        return parts.count == 2 ? String(parts[0]) : nil
    }

    /// Whether the setting is for the whole host, and so in its file only.
    public var isHostWide: Bool { self == .maxRunning || isOfCluster }

    /// Where to set what is not a plugin's, by its name at the top level.
    static let hostWide = ["max_running": "schedhost.json5, or a group here", "cluster": "schedhost.json5"]

    /// Whether the setting is one of `cluster`.
    var isOfCluster: Bool { Self.ofCluster.contains(self) }
    static let ofCluster: Set<SettingKey> = [
        .clusterStore, .clusterCacheStore, .clusterName, .clusterLeaseMs, .clusterWeight, .clusterLinks,
    ]

    /// Whether the setting is a limit of a worker.
    public var isLimit: Bool {
        group == "limits" || group == "sandbox" || self == .cacheValueMb || self == .cacheMemoryMb
    }

    /// The key for which a group's name is a short form: `on_failure: […]`, `sandbox: "on"`.
    static func short(for group: String) -> SettingKey? {
        switch group {
        case "on_failure": .onFailureCommand
        case "sandbox": .sandboxLevel
        case "group": .groupName
        default: nil
        }
    }

    /// Whether the lists of several sources are combined instead of replaced.
    var addsUp: Bool { if case .grants = shape { true } else { false } }

    /// The name of the key within its object.
    public var name: String { rawValue.split(separator: ".").last.map { String($0) } ?? rawValue }
}

/// How routines share worker processes.
public enum Isolation: String, CaseIterable, Sendable {
    /// Each plugin has a worker.
    case plugin
    /// Each routine has a worker.
    case routine
    /// All routines share one worker.
    case shared
}

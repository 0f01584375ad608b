public import HostValues

/// The limits of a worker; 0 means no limit.
public struct WorkerLimits: Equatable, Sendable {
    /// Memory, in MB.
    public var memoryMb: UInt64
    /// The number of open files.
    public var openFiles: UInt64
    /// The number of processes, including the worker itself.
    public var processes: UInt64
    /// Processor time as a percentage of one processor.
    public var cpuPercent: UInt64
    /// The largest value that a cache keeps, in MB; never 0.
    public var cacheValueMb: UInt64
    /// The memory for all caches of the worker together, in MB; never 0.
    public var cacheMemoryMb: UInt64
    /// The permissions of the worker's sandbox.
    public var sandbox: SandboxSettings

    /// Creates limits.
    public init(
        memoryMb: UInt64 = 0, openFiles: UInt64 = 0, processes: UInt64 = 0, cpuPercent: UInt64 = 0,
        cacheValueMb: UInt64 = 16, cacheMemoryMb: UInt64 = 256, sandbox: SandboxSettings = SandboxSettings()
    ) {
        self.sandbox = sandbox
        self.memoryMb = memoryMb
        self.openFiles = openFiles
        self.processes = processes
        self.cpuPercent = cpuPercent
        self.cacheValueMb = cacheValueMb
        self.cacheMemoryMb = cacheMemoryMb
    }
}

/// The settings that apply to one routine after all sources are merged, with their origins.
///
/// A copy shares the storage, so that 100 000 routines with the same settings take little memory.
public struct EffectiveSettings: Equatable, Sendable {
    private final class Storage: Sendable {
        let settings: [SettingKey: Sourced<SettingValue>]
        let params: [String: ParameterSetting]
        let paramsJSON: String
        let namedPaths: [String]
        let bounds: BoundedPaths
        let restart: SharedRestartSettings

        init(
            _ settings: [SettingKey: Sourced<SettingValue>], _ params: [String: ParameterSetting],
            namedPaths: [String], bounds: BoundedPaths
        ) {
            self.settings = settings
            self.params = params
            self.namedPaths = namedPaths
            self.bounds = bounds
            paramsJSON = EffectiveSettings.json(params)
            restart = SharedRestartSettings(EffectiveSettings.restart(settings))
        }
    }

    private let storage: Storage

    /// All settings that have a value. `timeout_ms` has none if the host's default applies.
    public var settings: [SettingKey: Sourced<SettingValue>] { storage.settings }
    /// The parameters by name, including the declared defaults.
    public var params: [String: ParameterSetting] { storage.params }
    /// All parameters as one JSON object, sorted by name. It is made once, because every session gets it.
    public var paramsJSON: String { storage.paramsJSON }
    /// The paths that files give as parameters, restricted to what these files may grant.
    public var namedPaths: [String] { storage.namedPaths }
    /// How far the paths may lead that plugins' own files give.
    public var bounds: BoundedPaths { storage.bounds }
    /// The settings of the restart policy.
    public var restart: SharedRestartSettings { storage.restart }

    /// Compares settings, parameters, named paths and bounds.
    public static func == (one: Self, other: Self) -> Bool {
        one.storage === other.storage
            || one.settings == other.settings && one.params == other.params && one.namedPaths == other.namedPaths
                && one.bounds == other.bounds
    }

    private func integer(_ key: SettingKey) -> UInt64 { Self.integer(key, of: settings) }

    private static func integer(_ key: SettingKey, of settings: [SettingKey: Sourced<SettingValue>]) -> UInt64 {
        if case .integer(let value)? = settings[key]?.value { value } else { 0 }
    }

    private func word(_ key: SettingKey) -> String? {
        if case .word(let word)? = settings[key]?.value { word } else { nil }
    }

    /// The interval from one cycle's start to the next one's, in ms; 0 with a schedule.
    public var waitMs: UInt64 { integer(.waitMs) }
    /// The other settings for when the routine runs.
    public var timing: RoutineTiming {
        var timing = RoutineTiming()
        if case .texts(let texts)? = settings[.schedule]?.value { timing.schedules = texts }
        timing.zone = word(.zone)
        timing.dst = word(.dst).flatMap { .init(rawValue: $0) } ?? timing.dst
        timing.catchUp = word(.catchUp).flatMap { .init(rawValue: $0) } ?? timing.catchUp
        timing.first = word(.first).flatMap { .init(rawValue: $0) }
        timing.deadlineMs = Int64(clamping: integer(.deadlineMs))
        timing.jitterMs = Int64(clamping: integer(.jitterMs))
        timing.alignOffsetMs = Int64(clamping: integer(.alignOffsetMs))
        if case .flag(let flag)? = settings[.align]?.value { timing.aligns = flag && waitMs > 0 }
        return timing
    }
    /// The maximum number of cycles of a session; 0 means no bound.
    public var maxCycles: UInt64 { integer(.maxCycles) }
    /// The end time of the routine's sessions.
    public var until: Until {
        if case .until(let until)? = settings[.until]?.value { until } else { .never }
    }
    /// The timeout of a callback, in ns; nil means none.
    public var timeoutNanoseconds: Int64? {
        let configured = settings[.timeoutMs].map { _ in integer(.timeoutMs) }
        // The automatic timeout is a multiple of the interval. A schedule has no interval, so it gets the longest such
        // timeout.
        let waitMs = settings[.schedule] == nil ? waitMs : 3_600_000
        return HangTimeout.nanoseconds(waitMs: waitMs, configuredMs: configured)
    }
    /// How routines share a worker.
    public var isolation: Isolation {
        if case .word(let word)? = settings[.isolation]?.value { Isolation(rawValue: word) ?? .plugin } else { .plugin }
    }
    /// On how many hosts of the cluster the routine runs.
    public var runOn: RunOn { word(.runOn).flatMap { RunOn(rawValue: $0) } ?? .each }
    /// The parts of the routine that run by themselves; one that is nil: it runs as a whole.
    public var shards: [RoutineShard?] {
        guard runOn == .shards else { return [nil] }
        let count = Int(clamping: max(integer(.shards), 1))
        return (0..<count).map { RoutineShard($0, of: count) }
    }
    /// Whether the routine moves to the host that is the first for it: shards do, for they are to be spread.
    public var rebalance: Rebalance {
        word(.rebalance).flatMap { Rebalance(rawValue: $0) } ?? (runOn == .shards ? .move : .sticky)
    }
    /// Whether the routine runs at all.
    public var isEnabled: Bool {
        if case .flag(let flag)? = settings[.enabled]?.value { flag } else { true }
    }
    /// The bounds on concurrent cycles that apply to the routine.
    public var turns: CycleTurns.Bounds {
        CycleTurns.Bounds(
            host: integer(.maxRunning),
            group: word(.groupName).map { CycleTurns.Bounds.Group($0, most: integer(.groupMaxRunning)) })
    }
    /// What the host does after an error that no hook decides on.
    public var onError: ErrorDefault {
        var byDefault = ErrorDefault(
            retryMs: integer(.retryDelayMs), attempts: UInt32(clamping: integer(.retryAttempts)))
        if case .word(let word)? = settings[.onError]?.value {
            byDefault.decision = ErrorAction(rawValue: word) ?? .endSession
        }
        return byDefault
    }
    private static func restart(_ settings: [SettingKey: Sourced<SettingValue>]) -> RestartSettings {
        func integer(_ key: SettingKey) -> UInt64 { Self.integer(key, of: settings) }
        var restart = RestartSettings()
        // With a schedule there is no interval; a session itself waits for the next time.
        let hasSchedule = settings[.schedule] != nil
        let waitMs = integer(.waitMs)
        restart.intervalMs = hasSchedule ? 0 : waitMs
        var first: RoutineTiming.First?
        if case .word(let word)? = settings[.first]?.value { first = .init(rawValue: word) }
        var aligns = false
        if case .flag(let flag)? = settings[.align]?.value { aligns = flag && waitMs > 0 }
        restart.waitsFirst = first == .afterWait || first == nil && aligns
        restart.firstDelayMs = integer(.restartFirstDelayMs)
        restart.maxDelayMs = integer(.restartMaxDelayMs)
        restart.jitterPercent = integer(.restartJitterPercent)
        restart.resetAfterMs = integer(.restartResetAfterMs)
        restart.sameCauseFailures = integer(.restartSameCauseFailures)
        restart.sameCauseWindowMs = integer(.restartSameCauseWindowMs)
        restart.anyCauseFailures = integer(.restartAnyCauseFailures)
        restart.anyCauseWindowMs = integer(.restartAnyCauseWindowMs)
        if case .integers(let values)? = settings[.restartProbeAfterMs]?.value { restart.probeAfterMs = values }
        restart.shortageDelayMs = integer(.restartShortageDelayMs)
        return restart
    }
    /// The limits of the routine's worker.
    public var limits: WorkerLimits {
        WorkerLimits(
            memoryMb: integer(.limitMemoryMb), openFiles: integer(.limitOpenFiles),
            processes: integer(.limitProcesses), cpuPercent: integer(.limitCpuPercent),
            cacheValueMb: integer(.cacheValueMb), cacheMemoryMb: integer(.cacheMemoryMb), sandbox: sandbox)
    }
    /// The permissions of the worker's sandbox.
    private var sandbox: SandboxSettings {
        var sandbox = SandboxSettings(level: word(.sandboxLevel).flatMap { .init(rawValue: $0) } ?? .off)
        if case .texts(let paths)? = settings[.sandboxRead]?.value { sandbox.read = .only(paths) }
        sandbox.write = texts(.sandboxWrite)
        sandbox.named = namedPaths
        sandbox.bounds = bounds
        sandbox.execute = word(.sandboxExecute) == "any" ? .any : .only(texts(.sandboxExecute))
        sandbox.connect = word(.sandboxConnect) == "any" ? .any : .only(ports(.sandboxConnect))
        sandbox.bind = ports(.sandboxBind)
        if case .flag(let udp)? = settings[.sandboxUDP]?.value { sandbox.udp = udp }
        sandbox.unix = texts(.sandboxUnix)
        sandbox.syscalls = texts(.sandboxSyscalls)
        sandbox.environment = texts(.sandboxEnvironment)
        return sandbox
    }

    private func texts(_ key: SettingKey) -> [String] {
        if case .texts(let texts)? = settings[key]?.value { texts } else { [] }
    }

    private func ports(_ key: SettingKey) -> [UInt16] {
        if case .integers(let ports)? = settings[key]?.value { ports.map { UInt16(clamping: $0) } } else { [] }
    }
    /// The settings of the routine's caches.
    public var caches: CacheSettings {
        var caches = CacheSettings(diskFiles: integer(.cacheDiskFiles), diskMb: integer(.cacheDiskMb))
        if case .word(let word)? = settings[.cacheDurability]?.value {
            caches.durability = CacheDurability(rawValue: word) ?? .process
        }
        if case .word(let word)? = settings[.cacheShared]?.value {
            caches.sharing = CacheSharing(rawValue: word) ?? .off
        }
        caches.sharedTimeoutMs = integer(.cacheSharedTimeoutMs)
        caches.sharedKeys = integer(.cacheSharedKeys)
        caches.sharedMb = integer(.cacheSharedMb)
        return caches
    }
    /// The command to run when a session fails, with its arguments; empty means none.
    public var onFailureCommand: [String] {
        if case .command(let words)? = settings[.onFailureCommand]?.value { words } else { [] }
    }
    /// The command to run after the first successful cycle that follows a failed session; empty means none.
    public var onRecoveryCommand: [String] { words(.onRecovery) }
    /// The command to run when a session ends; empty means none.
    public var onEndCommand: [String] { words(.onEnd) }
    /// The command to run after a time in ms without a successful cycle; nil means none.
    public var onSilence: (afterMs: UInt64, run: [String])? {
        let run = words(.onSilenceRun)
        return integer(.onSilenceAfterMs) == 0 || run.isEmpty ? nil : (integer(.onSilenceAfterMs), run)
    }
    /// The command of `onSilence`; empty means none.
    public var silenceCommand: [String] { onSilence?.run ?? [] }
    private func words(_ key: SettingKey) -> [String] {
        if case .command(let words)? = settings[key]?.value { words } else { [] }
    }
    /// The timeout of these commands, in ms.
    public var onFailureTimeoutMs: UInt64 { integer(.onFailureTimeoutMs) }

    private static func json(_ params: [String: ParameterSetting]) -> String {
        let members = params.sorted { $0.key < $1.key }.map { name, value in
            let nowhere = TextPosition(line: 0, column: 0)
            return JSONMember(
                name: name, position: nowhere, node: JSONNode(value: value.value, position: nowhere))
        }
        return JSONValue.object(members).json
    }

    /// The key, value and origin of each setting, for `list`: settings in the order of the keys, then parameters by
    /// name.
    public var listing: [(key: String, value: String, origin: String)] {
        // What is the host's own, and no routine's, is not listed for each.
        let keys = SettingKey.allCases.filter { !$0.isOfCluster }
        var lines: [(key: String, value: String, origin: String)] = keys.map { key in
            guard let value = settings[key] else { return (key.rawValue, "automatic", "built in") }
            return (key.rawValue, value.value.description, value.origin.description)
        }
        for (name, value) in params.sorted(by: { $0.key < $1.key }) {
            lines.append(("params.\(name)", value.shown, value.origin.description))
        }
        return lines
    }
}

extension EffectiveSettings {
    /// Merges all sources for one routine, in ascending order of precedence: built in, descriptor, `schedhost.json5`,
    /// the plugin's file, its block for the routine, the command line. Within `schedhost.json5` a plugin's block
    /// overrides what is set for all plugins, and a routine's block overrides its plugin's. `limit` bounds the
    /// permissions that the plugin's own file grants by naming paths.
    public init(
        of routine: PluginDescription.Routine, in plugin: PluginDescription, host: ConfigurationLayer = .init(),
        _ layers: PluginLayers = .init(), commandLine: ConfigurationLayer = .init(), limit: SandboxLimit = .init()
    ) {
        var all = ConfigurationLayer()
        for key in SettingKey.allCases where !key.isOfCluster {
            if let value = key.builtIn { all.settings[key] = Sourced(value, from: .builtIn) }
        }
        if let schedule = routine.schedule {
            all.settings[.waitMs] = nil
            all.settings[.schedule] = Sourced(.texts([schedule]), from: .descriptor)
        } else {
            all.settings[.waitMs] = Sourced(.integer(routine.waitMs), from: .descriptor)
        }
        if routine.maxCycles > 0 { all.settings[.maxCycles] = Sourced(.integer(routine.maxCycles), from: .descriptor) }
        if routine.timeoutMs > 0 { all.settings[.timeoutMs] = Sourced(.integer(routine.timeoutMs), from: .descriptor) }
        for parameter in plugin.parameters {
            if let value = parameter.defaultJSON { all.params[parameter.name] = ParameterSetting(plain: value) }
        }
        all.merge(host)
        // The cluster is the host's; so an edit of it changes no routine.
        for key in SettingKey.ofCluster { all.settings[key] = nil }
        for configuration in layers.parts {
            all.merge(configuration.layer)
            if let block = configuration.routines[routine.name] { all.merge(block.layer) }
        }
        all.merge(commandLine)
        // A process loads a file once: in one worker two instances would have the same variables, and both know nothing of it.
        if layers.isOfInstance, let isolation = all.settings[.isolation],
            isolation.value == .word(Isolation.shared.rawValue)
        {
            all.settings[.isolation] = Sourced(.word(Isolation.plugin.rawValue), from: isolation.origin)
        }
        let given = layers.givenPaths.filter(limit.allows)
        let bounds = limit.bounds(
            of: layers.parts.flatMap { [$0.layer, $0.routines[routine.name]?.layer].compactMap { $0 } }, beside: host,
            named: given)
        let declared = Dictionary(plugin.parameters.map { ($0.name, $0) }) { first, _ in first }
        let params = all.params.reduce(into: [:]) { params, entry in
            params[entry.key] = declared[entry.key].map { entry.value.typed(as: $0) } ?? entry.value
        }
        storage = Storage(all.settings, params, namedPaths: given.map(\.path), bounds: bounds)
    }

    /// Whether two routines of one plugin have the same settings because they are declared and configured alike. Some
    /// routines with equal settings are not recognized.
    public static func areAlike(
        _ one: PluginDescription.Routine, _ other: PluginDescription.Routine, _ layers: PluginLayers
    ) -> Bool {
        one.waitMs == other.waitMs && one.maxCycles == other.maxCycles && one.timeoutMs == other.timeoutMs
            && one.schedule == other.schedule
            && layers.parts.allSatisfy { part in
                part.routines.isEmpty || part.routines[one.name] == nil && part.routines[other.name] == nil
            }
    }
}

extension PluginConfiguration {
    /// Checks the configuration against the plugin's description. It is an error to configure a routine that the plugin
    /// does not have, or a parameter that it does not accept. Throws all errors.
    public func check(against plugin: PluginDescription) throws(ConfigurationError) {
        var error = ConfigurationError()
        check(against: plugin, into: &error)
        for (_, block) in instances.sorted(by: { $0.key < $1.key }) {
            block.configuration.check(against: plugin, into: &error)
        }
        if !error.problems.isEmpty { throw error.inOrder }
    }

    private func check(against plugin: PluginDescription, into error: inout ConfigurationError) {
        check(layer.params, against: plugin, into: &error)
        for (name, block) in routines.sorted(by: { ($0.value.position.line, $0.key) < ($1.value.position.line, $1.key) }
        ) {
            let names = plugin.routines.map(\.name)
            if !names.contains(name) {
                error.add(
                    ConfigurationProblem(
                        file: block.file, position: block.position, keyPath: block.keyPath,
                        message: "\(plugin.id) has no such routine" + Spelling.offer(of: names, for: name)))
            }
            check(block.layer.params, against: plugin, into: &error)
        }
    }

    /// Checks that no routine has limits of its own unless it has a worker of its own, because limits apply to a whole
    /// worker. Throws an error for each such limit.
    public func checkLimits(at isolation: Isolation) throws(ConfigurationError) {
        if isolation == .routine { return }
        var error = ConfigurationError()
        for block in routines.values {
            for (key, value) in block.layer.settings where key.isLimit || key == .runOn || key == .shards {
                guard case .file(let file, let position, let path) = value.origin else { continue }
                let message =
                    "is a worker's, and with isolation \"\(isolation.rawValue)\" routines share one: "
                    + "set isolation: \"routine\", or this for the whole plugin"
                error.add(ConfigurationProblem(file: file, position: position, keyPath: path, message: message))
            }
        }
        if !error.problems.isEmpty { throw error.inOrder }
    }

    private func check(
        _ params: [String: ParameterSetting], against plugin: PluginDescription, into error: inout ConfigurationError
    ) {
        if plugin.parameters.isEmpty { return }
        let names = plugin.parameters.map(\.name)
        for (name, value) in params.sorted(by: { $0.key < $1.key }) {
            guard case .file(let file, let position, let key) = value.origin else { continue }
            var message: String?
            if let parameter = plugin.parameters.first(where: { $0.name == name }) {
                message = parameter.mistake(in: value)
            } else {
                message = "\(plugin.id) has no such parameter" + Spelling.offer(of: names, for: name)
            }
            if let message {
                error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: message))
            }
        }
    }
}

public import HostValues

/// The bounds of a worker; 0 for none.
public struct WorkerLimits: Equatable, Sendable {
    /// Memory in MB.
    public var memoryMb: UInt64
    /// Open files.
    public var openFiles: UInt64
    /// Processes, the worker's own included.
    public var processes: UInt64
    /// Share of one processor, in percent.
    public var cpuPercent: UInt64
    /// The largest value that a cache keeps, in MB; not 0.
    public var cacheValueMb: UInt64
    /// What all caches of the worker hold in memory together, in MB; not 0.
    public var cacheMemoryMb: UInt64
    /// What it may touch.
    public var sandbox: SandboxSettings

    /// Bounds.
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

/// What holds for one routine, all sources merged, and where each value comes from.
public struct EffectiveSettings: Equatable, Sendable {
    /// Every setting that has a value. `timeout_ms` has none when the host's default holds.
    public let settings: [SettingKey: Sourced<SettingValue>]
    /// The parameters by name, with the declared defaults.
    public let params: [String: ParameterSetting]
    /// The paths that files give as parameters, within what these may allow.
    public let namedPaths: [String]

    private func integer(_ key: SettingKey) -> UInt64 {
        if case .integer(let value)? = settings[key]?.value { value } else { 0 }
    }

    private func word(_ key: SettingKey) -> String? {
        if case .word(let word)? = settings[key]?.value { word } else { nil }
    }

    /// From one cycle's start to the next one's; 0 with a schedule.
    public var waitMs: UInt64 { integer(.waitMs) }
    /// What else is set about when it runs.
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
    /// 0: no bound.
    public var maxCycles: UInt64 { integer(.maxCycles) }
    /// Until when it runs.
    public var until: Until {
        if case .until(let until)? = settings[.until]?.value { until } else { .never }
    }
    /// How long a callback may take, ns; nil: for ever.
    public var timeoutNanoseconds: Int64? {
        let configured = settings[.timeoutMs].map { _ in integer(.timeoutMs) }
        // A schedule has no interval to take ten of: it gets the longest of the automatic timeouts.
        let waitMs = settings[.schedule] == nil ? waitMs : 3_600_000
        return HangTimeout.nanoseconds(waitMs: waitMs, configuredMs: configured)
    }
    /// How many routines share its worker.
    public var isolation: Isolation {
        if case .word(let word)? = settings[.isolation]?.value { Isolation(rawValue: word) ?? .plugin } else { .plugin }
    }
    /// Whether it runs at all.
    public var isEnabled: Bool {
        if case .flag(let flag)? = settings[.enabled]?.value { flag } else { true }
    }
    /// How many cycles may run at once besides its own.
    public var turns: CycleTurns.Bounds {
        CycleTurns.Bounds(
            host: integer(.maxRunning),
            group: word(.groupName).map { CycleTurns.Bounds.Group($0, most: integer(.groupMaxRunning)) })
    }
    /// What follows an error where no hook decides.
    public var onError: ErrorDefault {
        var byDefault = ErrorDefault(
            retryMs: integer(.retryDelayMs), attempts: UInt32(clamping: integer(.retryAttempts)))
        if case .word(let word)? = settings[.onError]?.value {
            byDefault.decision = ErrorAction(rawValue: word) ?? .endSession
        }
        return byDefault
    }
    /// The restart policy's numbers.
    public var restart: RestartSettings {
        var restart = RestartSettings()
        let timing = timing
        // By a schedule there is no interval: a session waits for the next time by itself.
        restart.intervalMs = timing.schedules.isEmpty ? waitMs : 0
        restart.waitsFirst = timing.first == .afterWait || timing.first == nil && timing.aligns
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
    /// The worker's limits.
    public var limits: WorkerLimits {
        WorkerLimits(
            memoryMb: integer(.limitMemoryMb), openFiles: integer(.limitOpenFiles),
            processes: integer(.limitProcesses), cpuPercent: integer(.limitCpuPercent),
            cacheValueMb: integer(.cacheValueMb), cacheMemoryMb: integer(.cacheMemoryMb), sandbox: sandbox)
    }
    /// What a worker may touch.
    private var sandbox: SandboxSettings {
        var sandbox = SandboxSettings(level: word(.sandboxLevel).flatMap { .init(rawValue: $0) } ?? .off)
        if case .texts(let paths)? = settings[.sandboxRead]?.value { sandbox.read = .only(paths) }
        sandbox.write = texts(.sandboxWrite)
        sandbox.named = namedPaths
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
    /// How its disk caches are kept.
    public var caches: CacheSettings {
        var caches = CacheSettings(diskFiles: integer(.cacheDiskFiles), diskMb: integer(.cacheDiskMb))
        if case .word(let word)? = settings[.cacheDurability]?.value {
            caches.durability = CacheDurability(rawValue: word) ?? .process
        }
        return caches
    }
    /// The program to run when a session fails, with its arguments; empty: none.
    public var onFailureCommand: [String] {
        if case .command(let words)? = settings[.onFailureCommand]?.value { words } else { [] }
    }
    /// The program to run at the first good cycle after a session that failed; empty: none.
    public var onRecoveryCommand: [String] { words(.onRecovery) }
    /// The program to run when a session is over; empty: none.
    public var onEndCommand: [String] { words(.onEnd) }
    /// After how long without a good cycle which program is run; nil: none.
    public var onSilence: (afterMs: UInt64, run: [String])? {
        let run = words(.onSilenceRun)
        return integer(.onSilenceAfterMs) == 0 || run.isEmpty ? nil : (integer(.onSilenceAfterMs), run)
    }
    /// Its program; empty: none.
    public var silenceCommand: [String] { onSilence?.run ?? [] }
    private func words(_ key: SettingKey) -> [String] {
        if case .command(let words)? = settings[key]?.value { words } else { [] }
    }
    /// How long such a program may take.
    public var onFailureTimeoutMs: UInt64 { integer(.onFailureTimeoutMs) }

    /// All parameters as one JSON object, names in order.
    public var paramsJSON: String {
        let members = params.sorted { $0.key < $1.key }.map { name, value in
            let nowhere = TextPosition(line: 0, column: 0)
            return JSONMember(
                name: name, position: nowhere, node: JSONNode(value: value.value, position: nowhere))
        }
        return JSONValue.object(members).json
    }

    /// Each key, value and origin, for `list`; in the order of the keys, then the parameters by name.
    public var listing: [(key: String, value: String, origin: String)] {
        var lines: [(key: String, value: String, origin: String)] = SettingKey.allCases.map { key in
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
    /// Merges for one routine: built in < descriptor < `schedhost.json5` < the plugin's file < its block for the
    /// routine < the command line. In `schedhost.json5` itself a plugin's block wins over what is for all, and a
    /// routine's over its plugin's. `limit` bounds what the plugin's own file allows by naming paths.
    public init(
        of routine: PluginDescription.Routine, in plugin: PluginDescription, host: ConfigurationLayer = .init(),
        _ layers: PluginLayers = .init(), commandLine: ConfigurationLayer = .init(), limit: SandboxLimit = .init()
    ) {
        var all = ConfigurationLayer()
        for key in SettingKey.allCases {
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
        for configuration in layers.parts {
            all.merge(configuration.layer)
            if let block = configuration.routines[routine.name] { all.merge(block.layer) }
        }
        all.merge(commandLine)
        settings = all.settings
        namedPaths = limit.named(layers.givenPaths)
        let declared = Dictionary(plugin.parameters.map { ($0.name, $0) }) { first, _ in first }
        params = all.params.reduce(into: [:]) { params, entry in
            params[entry.key] = declared[entry.key].map { entry.value.typed(as: $0) } ?? entry.value
        }
    }
}

extension PluginConfiguration {
    /// Compares the file with what the plugin declares: routines that it does not have, parameters that it does not
    /// take. Throws all mistakes.
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
                let near = Spelling.nearest(to: name, in: names).map { "; did you mean \($0)?" } ?? ";"
                error.add(
                    ConfigurationProblem(
                        file: block.file, position: block.position, keyPath: block.keyPath,
                        message: "\(plugin.id) has no such routine\(near) it has \(names.joined(separator: ", "))"))
            }
            check(block.layer.params, against: plugin, into: &error)
        }
    }

    /// Whether limits for one routine hold at that level: a limit is a worker's. Throws each that does not.
    public func checkLimits(at isolation: Isolation) throws(ConfigurationError) {
        if isolation == .routine { return }
        var error = ConfigurationError()
        for block in routines.values {
            for (key, value) in block.layer.settings where key.isLimit {
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
                let near = Spelling.nearest(to: name, in: names).map { "; did you mean \($0)?" } ?? ";"
                message = "\(plugin.id) has no such parameter\(near) it has \(names.joined(separator: ", "))"
            }
            if let message {
                error.add(ConfigurationProblem(file: file, position: position, keyPath: key, message: message))
            }
        }
    }
}

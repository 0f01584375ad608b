internal import HostInspection
public import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// The worker process: loads plugins and runs their routines, as the supervisor orders.
///
/// Its main thread (the control thread) reads commands; routines run on their pools' threads.
public final class Worker {
    /// The number of the descriptor for the channel to the supervisor.
    public static let channelDescriptor: Int32 = 3
    /// The number of the descriptor of the ledger's file.
    public static let ledgerDescriptor: Int32 = 4
    /// The number of the descriptor of the crash page.
    public static let crashDescriptor: Int32 = 5
    /// The number of the descriptor of the sandbox policy, in a worker that has a sandbox.
    public static let policyDescriptor: Int32 = 6
    /// The number of the descriptor of the lease page, in a worker of a host that is in a cluster.
    public static let leaseDescriptor: Int32 = 7
    /// The number of the descriptor of the sandbox's ruleset, in a worker that has one.
    public static let rulesetDescriptor: Int32 = 8

    private enum Source {
        static let channel: UInt64 = 1
        static let clockSet: UInt64 = 2
        static let sessions: UInt64 = 3
    }

    /// How often a session that was asked to stop is checked for `interrupt`, in ms.
    private static let interruptTick: Int32 = 20
    /// A time that is never reached. The timer must be armed to report that the clock was set.

    private let channel: EventChannel
    private let ledger: LedgerFile
    private let clock: any HostClock
    private let log: LogGate
    private let poller: Poller
    private var clockSet: ClockWatch
    private let sessions = SessionCounter()
    private let budget: CacheBudget
    private let namedFolders: NamedFolders
    private let doorbell: Doorbell
    /// In the order of their loads; mostly one. No dictionary: for its first kind of key the runtime looks through all
    /// conformances, at each worker's start.
    private var plugins: [PluginContext] = []
    private var lines = LineSplitter(limit: 4 << 20)
    private var isQuitting = false
    private var sandbox: SandboxEntry
    private let hasRules: Bool

    private var stopping: Set<Int> = []
    /// When the stopping sessions were last checked for `interrupt`.
    private var interruptedAt = MonotonicTime.longAgo
    /// By the numbers of slots, which the supervisor counts from 0.
    private var slots: [RoutineRunner?] = []
    private var stores = StoreThreads()
    private var exchange: SharedExchange?
    private let signs: SharedSigns?
    private let leases: LeaseDeadline?

    /// Runs the worker until the supervisor ends it. Call it on the main thread, before any other thread exists. `report` is
    /// the number of the descriptor for its crash report, if one is wanted.
    public static func run(
        logLevel: Int32, supervisor: Int32, limits: WorkerLimits, groups: GroupMembership, user: UInt32?,
        hasLeases: Bool, hasRules: Bool, report: Int32?
    ) -> Never {
        // These steps come before any plugin code, in this order.
        guard HostProcess.dieWithParent(supervisor) else { HostProcess.exitNow(0) }
        HostProcess.closeDescriptorsOnExec()  // so that a plugin's children do not inherit the channel
        HostProcess.gainNoPrivileges()
        HostProcess.giveWayForMemory()
        HostProcess.bufferOutputByLines()
        Signals.survive([
            Signals.brokenPipe, Signals.fileSize, Signals.hangup, Signals.user1, Signals.user2, Signals.powerFailure,
        ])
        HostProcess.adoptOrphans()  // so that a dead worker's orphans are known to be its own
        let joined = HostProcess.join(groups)
        if let user {
            guard HostProcess.become(user) else { WorkerFailure.die("worker: it cannot become user \(user)") }
            // With its user a process loses the signal that it asked for.
            guard HostProcess.dieWithParent(supervisor) else { HostProcess.exitNow(0) }
        }
        HostProcess.apply(limits, in: joined)
        let worker: Worker
        do {
            try CrashPage.watch(
                Descriptor(owning: Self.crashDescriptor), channel: Self.channelDescriptor, report: report,
                needsRoom: !joined.isEmpty)
            worker = try Worker(logLevel: logLevel, limits: limits, hasLeases: hasLeases, hasRules: hasRules)
        } catch {
            WorkerFailure.die("worker: \(error)")
        }
        worker.serve()
    }

    private init(logLevel: Int32, limits: WorkerLimits, hasLeases: Bool, hasRules: Bool) throws(SystemError) {
        let clock = SystemClock()
        self.clock = clock
        self.hasRules = hasRules
        sandbox = SandboxEntry(isConfined: limits.sandbox.level != .off)
        _ = TimeZoneCache.shared  // created before a plugin can change the environment
        budget = CacheBudget(
            valueLimit: Int(clamping: limits.cacheValueMb) << 20, totalLimit: Int(clamping: limits.cacheMemoryMb) << 20)
        namedFolders = NamedFolders(data: HostProcess.environment("SCHEDHOST_DATA"), clock: clock)
        channel = EventChannel(socket: Descriptor(owning: Self.channelDescriptor), clock: clock)
        log = LogGate(level: logLevel)
        leases = hasLeases ? try LeaseDeadline(Descriptor(owning: Self.leaseDescriptor), clock: clock) : nil
        ledger = try LedgerFile(Descriptor(owning: Self.ledgerDescriptor))
        poller = try Poller()
        clockSet = try ClockWatch()
        doorbell = try Doorbell()
        signs = hasLeases ? SharedSigns(doorbell: doorbell.descriptor.raw, clock: clock) : nil
        try channel.watch(by: poller, token: Source.channel)
        try poller.add(clockSet.descriptor, for: .readable, token: Source.clockSet)
        try poller.add(doorbell.descriptor, for: .readable, token: Source.sessions)
    }

    private func serve() -> Never {
        while true {
            do {
                var fired: [UInt64] = []
                _ = try poller.wait(milliseconds: tick) { token, _ in
                    fired.append(token)
                }
                for token in fired { handle(token) }
            } catch {
                WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
            }
            interruptStopping()
            watchStore()
            signs?.look()
            keepLeases { (leases) throws(SystemError) in try leases.look() }
            if isQuitting, sessions.count == 0 { leave() }
        }
    }

    /// How long to wait for something to happen, in ms.
    private var tick: Int32 {
        if !stopping.isEmpty { return Self.interruptTick }
        let ticks = [leases?.tick ?? -1, stores.tick, exchange?.tick ?? -1, signs?.tick ?? -1]
        return ticks.filter { $0 >= 0 }.min() ?? -1
    }

    private func handle(_ token: UInt64) {
        switch token {
        case Source.channel:
            channel.flush()
            readCommands()
        case Source.clockSet:
            clockSet.wasSet { lookAgain() }
        default:
            doorbell.hush()
        }
    }

    private func readCommands() {
        while true {
            var failure: SystemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                do throws(SystemError) {
                    count = try unsafe channel.receive(into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
            }
            if let failure, failure.wouldBlock { return }
            // The supervisor is gone, so this worker ends with everything that its plugin has started in its process
            // group.
            if failure != nil || bytes.isEmpty { HostProcess.endGroup() }
            var commands: [WorkerCommand] = []
            lines.take(bytes) { line in
                guard case .whole(let text) = line,
                    let command = WorkerCommand(line: text)
                else { WorkerFailure.die("worker: a command that cannot be read") }
                commands.append(command)
            }
            for command in commands {
                switch sandbox.step(command) {
                case .perform: perform(command)
                case .enter(let rules): Self.enterSandbox(hasRules: hasRules, adding: rules)
                case .die(let text): WorkerFailure.die(text)
                }
            }
        }
    }

    private func perform(_ command: WorkerCommand) {
        switch command {
        case .seal(let key): unsafe ledger.key.pointee = key
        case .confine: break  // see `SandboxEntry`
        case .load(let load):
            self.load(load)
            HostProcess.returnFreeMemory()  // the description of many routines takes as much memory as they do
        case .start(let start): self.start(start)
        case .stop(let slot):
            guard let runner = runner(slot) else { return }
            stopping.insert(slot)
            ask(runner, .stop)
        case .runNow(let slot): if let runner = runner(slot) { ask(runner, .runNow) }
        case .pause(let slot): if let runner = runner(slot) { ask(runner, .pause) }
        case .resume(let slot): if let runner = runner(slot) { ask(runner, .resume) }
        case .go(let slot, let number):
            guard let runner = runner(slot) else { return }
            runner.requests.grant(number)
            runner.plugin.driver?.poke(runner.index)
        case .history(let history): runner(history.slot)?.plugin.history.answer(history)
        case .dropCached(let drop):
            plugin(drop.plugin)?.runner(drop.routine)?.dropCached(drop.name, key: drop.key)
        case .logLevel(let level): log.set(level)
        case .share(let plugin):
            let socket = channel.takePassed()
            if let socket, let shared = self.plugin(plugin)?.shared { try? shared.connect(socket) }
        case .store(.share(let access)): serve(access)
        case .store(let command): askStore(command)
        case .quit:
            isQuitting = true
            for (slot, runner) in slots.enumerated() {
                guard let runner else { continue }
                stopping.insert(slot)
                ask(runner, .stop)
            }
        }
    }

    private func plugin(_ number: Int) -> PluginContext? { plugins.first { $0.number == number } }

    private func runner(_ slot: Int) -> RoutineRunner? { slots.indices.contains(slot) ? slots[slot] : nil }

    private func ask(_ runner: RoutineRunner, _ request: TurnRequests.Kinds) {
        runner.ask(request)
        runner.plugin.driver?.poke(runner.index)
    }

    private func load(_ load: WorkerCommand.Load) {
        do {
            let loaded = try LoadedPlugin(path: load.path, isShared: load.isShared)
            guard load.isForRunning else {
                return channel.send(.described(plugin: load.plugin, loaded.description))
            }
            let context = PluginContext(
                number: load.plugin, instance: load.instance, loaded: loaded, ledger: ledger, clock: clock,
                channel: channel, log: log,
                sessions: sessions, budget: budget, cachePlace: try cachePlace(load),
                sharedPlace: try sharedPlace(load), shared: shared(load.plugin))
            try context.prepare(loaded, parameters: load.parameters, caches: load.cacheSettings)
            if let text = context.load() {
                return channel.send(.refused(plugin: load.plugin, stage: .load, text: text))
            }
            plugins.removeAll { $0.number == load.plugin }
            plugins.append(context)
            channel.send(.loaded(plugin: load.plugin))
        } catch let refusal as LoadedPlugin.Refusal {
            channel.send(.refused(plugin: load.plugin, stage: refusal.stage, text: refusal.text))
        } catch {
            channel.send(.refused(plugin: load.plugin, stage: .open, text: "\(error)"))
        }
    }

    /// The plugin's way to the store of shared caches; nil if the host is in no cluster.
    private func shared(_ plugin: Int) -> SharedSocket? {
        guard let signs else { return nil }
        return SharedSocket(clock: clock, signs: signs) { [channel] in channel.send(.wantsShared(plugin: plugin)) }
    }

    /// The place of the plugin's disk caches; nil if the host has none.
    private func cachePlace(_ load: WorkerCommand.Load) throws(SystemError) -> CachePlace? {
        guard let caches = load.caches else { return nil }
        let scope: CachePlace.Scope =
            switch caches.scope {
            case .all: .all
            case .plugin: .plugin
            case .routine: .routine
            }
        return CachePlace(
            SystemCacheFolder(try Directory(caches.path), clock: clock), of: scope, build: load.build,
            elsewhere: namedFolders.open)
    }

    /// The place of the disk caches that the plugin's routines share, where it is apart from the other one.
    private func sharedPlace(_ load: WorkerCommand.Load) throws(SystemError) -> CachePlace? {
        guard let path = load.caches?.sharedPath else { return nil }
        return CachePlace(
            SystemCacheFolder(try Directory(path), clock: clock), of: .routine, build: load.build,
            elsewhere: namedFolders.open)
    }

    private func start(_ start: WorkerCommand.Start) {
        guard !isQuitting, let runner = plugin(start.plugin)?.runner(start.routine), let driver = runner.plugin.driver,
            runner.prepare(start)
        else { WorkerFailure.die("worker: a session that cannot be started") }
        stopping.remove(start.slot)
        while slots.count <= start.slot { slots.append(nil) }
        slots[start.slot] = runner
        if start.leaseToken != nil {
            guard leases != nil else { WorkerFailure.die("worker: a lease without its page") }
            keepLeases { (leases) throws(SystemError) in try leases.begin(start.slot, runner) }
        }
        sessions.begin(doorbell: doorbell.descriptor.raw)
        if start.untilMs != nil || !start.timing.isPlain { clockSet.begin { lookAgain() } }
        driver.begin(runner.index)
    }

    private func keepLeases(_ body: (LeaseDeadline) throws(SystemError) -> Void) {
        guard let leases else { return }
        do throws(SystemError) {
            try body(leases)
        } catch {
            WorkerFailure.die("worker: nothing would end it when its lease is over: \(error)")
        }
    }

    /// Hands a command to the store of the plugin that is loaded; in a store worker there is one plugin.
    private func askStore(_ command: StoreCommand) {
        guard let plugin = plugins.first else { WorkerFailure.die("worker: a store that is not loaded") }
        stores.perform(command, of: plugin)
        if case .clear(_, let selection, _, _) = command { exchange?.cleared(selection) }
    }

    /// Serves the shared caches of another worker by the socket that has come.
    private func serve(_ access: SharedAccess) {
        guard let socket = channel.takePassed(), let plugin = plugins.first else { return }
        do {
            if exchange == nil { exchange = try SharedExchange(try plugin.offeredStore(), of: plugin) }
            try exchange?.add(socket, access)
        } catch {
            exchange?.tell("\(error)")
        }
    }

    /// Ends the worker if its store has not returned from a call for so long that it never will; else tells what it was asked.
    private func watchStore() {
        let now = clock.boot()
        if stores.hang(at: now) || exchange?.hangs(at: now) == true {
            WorkerFailure.die("the store hangs: a call has taken 2 s longer than its timeout")
        }
        exchange?.report(at: now)
    }

    /// Makes all sessions check their end times again, after the wall clock was set.
    private func lookAgain() {
        for case let runner? in slots { ask(runner, .look) }
    }

    private func interruptStopping() {
        let now = clock.monotonic()
        guard !stopping.isEmpty, now - interruptedAt >= Int64(Self.interruptTick) * 900_000 else { return }
        interruptedAt = now
        stopping = stopping.filter { slot in
            guard let runner = runner(slot), runner.isBusy else { return false }
            runner.interruptIfRunning()
            return true
        }
    }

    /// Unloads the plugins and ends the process normally, so that their destructors run.
    private func leave() -> Never {
        for plugin in plugins {
            if let text = plugin.unload() {
                channel.log(
                    WorkerEvent.Log(
                        plugin: plugin.number, routine: nil, level: 40, text: "unload failed: \(text)",
                        ms: clock.wallMilliseconds()))
            }
        }
        channel.reportDropped()
        channel.send(.goodbye)
        channel.flush(wait: true)
        HostProcess.exit(0)
    }
}

/// Counts the sessions in progress, and rings the control thread's doorbell, if there is one, when one ends.
final class SessionCounter: Sendable {
    private let sessions = Atomic<Int>(0)
    private let bell = Atomic<Int32>(-1)

    var count: Int { sessions.load(ordering: .acquiring) }

    func begin(doorbell: Int32) {
        bell.store(doorbell, ordering: .relaxed)
        sessions.add(1, ordering: .acquiringAndReleasing)
    }

    func end() {
        sessions.subtract(1, ordering: .acquiringAndReleasing)
        let bell = bell.load(ordering: .relaxed)
        if bell >= 0 { Doorbell.ring(bell) }
    }
}

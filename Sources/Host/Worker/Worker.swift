internal import HostInspection
public import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// The worker process: loads plugins, runs their routines, and does what the supervisor says.
///
/// Its main thread reads commands; routines run on their pools' threads.
public final class Worker {
    /// The channel to the supervisor in a worker.
    public static let channelDescriptor: Int32 = 3
    /// The ledger's file in a worker.
    public static let ledgerDescriptor: Int32 = 4
    /// The crash page in a worker.
    public static let crashDescriptor: Int32 = 5
    /// What a worker may touch, where it has a sandbox.
    public static let policyDescriptor: Int32 = 6

    private enum Source {
        static let channel: UInt64 = 1
        static let clockSet: UInt64 = 2
        static let sessions: UInt64 = 3
    }

    /// How often a plugin that was asked to stop is looked at for `interrupt`, ms.
    private static let interruptTick: Int32 = 20
    /// A time that no clock reaches; one for which the timer is not armed would not tell that the clock was set.
    private static let farFuture = WallTime(nanoseconds: 1 << 62)

    private let channel: EventChannel
    private let ledger: LedgerFile
    private let clock: any HostClock
    private let log: LogGate
    private let poller: Poller
    private let clockSet: WallTimer
    private let sessions = SessionCounter()
    private let budget: CacheBudget
    private let doorbell: Doorbell
    private var plugins: [Int: PluginContext] = [:]
    private var lines = LineSplitter(limit: 4 << 20)
    private var isQuitting = false

    private var stopping: Set<Int> = []
    /// When those were last looked at.
    private var interruptedAt = MonotonicTime.longAgo
    private var slots: [Int: RoutineRunner] = [:]

    /// Runs the worker until the supervisor ends it. Called on the main thread, before any other thread exists.
    public static func run(logLevel: Int32, supervisor: Int32, limits: WorkerLimits) -> Never {
        // The steps before any plugin code, in order.
        guard HostProcess.dieWithParent(supervisor) else { HostProcess.exitNow(0) }
        HostProcess.closeDescriptorsOnExec()  // a plugin's children do not hold the channel
        HostProcess.gainNoPrivileges()
        HostProcess.giveWayForMemory()
        HostProcess.bufferOutputByLines()
        Signals.survive([
            Signals.brokenPipe, Signals.fileSize, Signals.hangup, Signals.user1, Signals.user2, Signals.powerFailure,
        ])
        HostProcess.adoptOrphans()  // so that what a plugin leaves behind is known as this worker's when it dies
        HostProcess.apply(limits)
        let worker: Worker
        do {
            try CrashPage.watch(Descriptor(owning: Self.crashDescriptor), channel: Self.channelDescriptor)
            worker = try Worker(logLevel: logLevel, limits: limits)
            if limits.sandbox.level != .off { try enterSandbox() }
        } catch {
            WorkerFailure.die("worker: \(error)")
        }
        worker.serve()
    }

    /// The last step, on the only thread there is. Throws where the kernel does not do what the supervisor was told it does.
    private static func enterSandbox() throws(SystemError) {
        let policy = Descriptor(owning: Self.policyDescriptor)
        let bytes = try policy.readAll(limit: 4 << 20, subject: "sandbox")
        try policy.close(subject: "sandbox")
        try Sandbox.apply(bytes)
    }

    private init(logLevel: Int32, limits: WorkerLimits) throws(SystemError) {
        let clock = SystemClock()
        self.clock = clock
        _ = ZoneShelf.shared  // before a plugin can change the environment
        budget = CacheBudget(
            valueLimit: Int(clamping: limits.cacheValueMb) << 20, totalLimit: Int(clamping: limits.cacheMemoryMb) << 20)
        channel = EventChannel(socket: Descriptor(owning: Self.channelDescriptor), clock: clock)
        log = LogGate(level: logLevel)
        ledger = try LedgerFile(Descriptor(owning: Self.ledgerDescriptor))
        poller = try Poller()
        clockSet = try WallTimer()
        doorbell = try Doorbell()
        try channel.watch(by: poller, token: Source.channel)
        try poller.add(clockSet.descriptor, for: .readable, token: Source.clockSet)
        try poller.add(doorbell.descriptor, for: .readable, token: Source.sessions)
    }

    private func serve() -> Never {
        while true {
            do {
                var fired: [UInt64] = []
                _ = try poller.wait(milliseconds: stopping.isEmpty ? -1 : Self.interruptTick) { token, _ in
                    fired.append(token)
                }
                for token in fired { handle(token) }
            } catch {
                WorkerFailure.die("the plugin closed the worker's descriptors (\(error))")
            }
            interruptStopping()
            if isQuitting, sessions.count == 0 { leave() }
        }
    }

    private func handle(_ token: UInt64) {
        switch token {
        case Source.channel:
            channel.flush()
            readCommands()
        case Source.clockSet:
            clockSet.acknowledge()
            clockSet.arm(at: Self.farFuture)
            lookAgain()
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
            // The supervisor is gone: nothing of this worker stays, nor of what its plugin has started beside it.
            if failure != nil || bytes.isEmpty { HostProcess.endGroup() }
            var commands: [WorkerCommand] = []
            lines.take(bytes) { line in
                guard case .whole(let text) = line,
                    let command = WorkerCommand(line: text)
                else { WorkerFailure.die("worker: a command that cannot be read") }
                commands.append(command)
            }
            for command in commands { perform(command) }
        }
    }

    private func perform(_ command: WorkerCommand) {
        switch command {
        case .load(let load):
            self.load(load)
            HostProcess.returnFreeMemory()  // a description of many routines takes as much as these do, for a moment
        case .start(let start): self.start(start)
        case .stop(let slot):
            guard let runner = slots[slot] else { return }
            stopping.insert(slot)
            ask(runner, .stop)
        case .runNow(let slot): if let runner = slots[slot] { ask(runner, .runNow) }
        case .pause(let slot): if let runner = slots[slot] { ask(runner, .pause) }
        case .resume(let slot): if let runner = slots[slot] { ask(runner, .resume) }
        case .go(let slot, let number):
            guard let runner = slots[slot] else { return }
            runner.requests.grant(number)
            runner.plugin.driver?.poke(runner.index)
        case .dropCached(let drop):
            plugins[drop.plugin]?.runner(drop.routine)?.dropCached(drop.name, key: drop.key)
        case .logLevel(let level): log.set(level)
        case .quit:
            isQuitting = true
            for (slot, runner) in slots {
                stopping.insert(slot)
                ask(runner, .stop)
            }
        }
    }

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
                sessions: sessions, budget: budget, cachePlace: try cachePlace(load))
            try context.prepare(loaded, parameters: load.parameters)
            if let text = context.load() {
                return channel.send(.refused(plugin: load.plugin, stage: .load, text: text))
            }
            plugins[load.plugin] = context
            channel.send(.loaded(plugin: load.plugin))
        } catch let refusal as LoadedPlugin.Refusal {
            channel.send(.refused(plugin: load.plugin, stage: refusal.stage, text: refusal.text))
        } catch {
            channel.send(.refused(plugin: load.plugin, stage: .open, text: "\(error)"))
        }
    }

    /// Where the plugin's disk caches live, if the host has a place for them.
    private func cachePlace(_ load: WorkerCommand.Load) throws(SystemError) -> CachePlace? {
        guard let caches = load.caches else { return nil }
        let scope: CachePlace.Scope =
            switch caches.scope {
            case .all: .all
            case .plugin: .plugin
            case .routine: .routine
            }
        return CachePlace(SystemCacheFolder(try Directory(caches.path), clock: clock), of: scope, build: load.build)
    }

    private func start(_ start: WorkerCommand.Start) {
        guard !isQuitting, let runner = plugins[start.plugin]?.runner(start.routine), let driver = runner.plugin.driver,
            runner.prepare(start)
        else { WorkerFailure.die("worker: a session that cannot be started") }
        stopping.remove(start.slot)
        slots[start.slot] = runner
        sessions.begin(doorbell: doorbell.descriptor.raw)
        if start.untilMs != nil { clockSet.arm(at: Self.farFuture) }
        driver.begin(runner.index)
    }

    /// The clock was set: whoever waits for an end time looks again.
    private func lookAgain() {
        for runner in slots.values { ask(runner, .look) }
    }

    private func interruptStopping() {
        let now = clock.monotonic()
        guard !stopping.isEmpty, now - interruptedAt >= Int64(Self.interruptTick) * 900_000 else { return }
        interruptedAt = now
        stopping = stopping.filter { slot in
            guard let runner = slots[slot], runner.isBusy else { return false }
            runner.interruptIfRunning()
            return true
        }
    }

    /// Unloads and ends in order; the plugins' destructors run.
    private func leave() -> Never {
        for plugin in plugins.values {
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

/// How many sessions are in progress; rings the control thread's bell when one ends.
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
        Doorbell.ring(bell.load(ordering: .relaxed))
    }
}

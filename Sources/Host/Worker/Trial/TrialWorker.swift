internal import HostInspection
internal import HostPolicy
internal import HostStore
public import HostSystem
public import HostValues
public import HostWire

/// A plugin that is tried in this process: what a worker is to a host, for `schedhost try`. No sandbox, no limits, and what
/// crashes in it ends the process, as who holds a debugger wants it.
///
/// Not Sendable: one thread at a time uses it.
public final class TrialWorker {
    /// Why a file cannot be tried, or its plugin not be loaded.
    public struct Refusal: Error, CustomStringConvertible {
        /// One line.
        public let description: String
    }

    /// What the plugin says that it is.
    public let description: PluginDescription
    private let loaded: LoadedPlugin
    private let clock: any HostClock
    private let log: LogGate
    private let events: TrialEvents
    private var context: PluginContext?

    /// Loads the file, which runs its constructors. `level`: the least level of log lines, in the ABI's numbers. `ring` is
    /// called on any thread when there is something to `take`.
    public init(
        path: String, clock: any HostClock, level: Int32, ring: @escaping @Sendable () -> Void = {}
    ) throws(Refusal) {
        do throws(LoadedPlugin.Refusal) {
            loaded = try LoadedPlugin(path: path)
        } catch {
            throw Refusal(description: "\(path): \(error.text)")
        }
        _ = ZoneShelf.shared  // before the plugin can change the environment
        description = loaded.description
        self.clock = clock
        log = LogGate(level: level)
        events = TrialEvents(ring: ring)
    }

    /// Gets the plugin ready and calls its `load`, as `order` says. `ledger` is the file in which its sessions count, with
    /// room for one a routine. Where `virtual` is a clock, it is the one that the routines go by.
    public func load(
        _ order: WorkerCommand.Load, ledger: consuming Descriptor, cacheValueMb: UInt64, cacheMemoryMb: UInt64,
        virtual: VirtualClock?
    ) throws {
        let budget = CacheBudget(
            valueLimit: Int(clamping: cacheValueMb) << 20, totalLimit: Int(clamping: cacheMemoryMb) << 20)
        var place: CachePlace?
        if let caches = order.caches {
            place = CachePlace(
                SystemCacheFolder(try Directory(caches.path), clock: clock), of: .plugin, build: order.build)
        }
        let context = PluginContext(
            number: order.plugin, instance: order.instance, loaded: loaded, ledger: try LedgerFile(ledger),
            clock: clock,
            channel: events, log: log, sessions: SessionCounter(), budget: budget, cachePlace: place)
        try context.prepare(loaded, parameters: order.parameters, on: virtual)
        if let text = context.load() { throw Refusal(description: "\(order.name): load failed: \(text)") }
        self.context = context
    }

    /// Calls the plugin's `unload`, when no session runs any more; the text of its failure.
    public func unload() -> String? { context?.unload() }

    /// What the plugin has said since the last call: the ends of its sessions, and log lines.
    public func take() -> [WorkerEvent] { events.take() }

    /// Does what a supervisor tells a worker about a session. What is about the worker itself is none of a trial's.
    public func perform(_ command: WorkerCommand) {
        switch command {
        case .start(let start):
            guard let runner = context?.runner(start.routine), runner.prepare(start) else {
                WorkerFailure.die("a session that cannot be started")
            }
            context?.driver?.begin(runner.index)
        case .stop(let slot):
            ask(slot, .stop)
            context?.runner(slot)?.interruptIfRunning()
        case .runNow(let slot): ask(slot, .runNow)
        case .pause(let slot): ask(slot, .pause)
        case .resume(let slot): ask(slot, .resume)
        case .load, .go, .dropCached, .logLevel, .quit: break
        }
    }

    /// A routine has the slot of its own number.
    private func ask(_ slot: Int, _ request: TurnRequests.Kinds) {
        guard let runner = context?.runner(slot) else { return }
        runner.ask(request)
        context?.driver?.poke(slot)
    }

    /// Runs what has begun in virtual time until the guide says that all is over; nothing where the plugin was loaded for
    /// time as it passes.
    public func run(_ guide: any VirtualTimeGuide) { (context?.driver as? VirtualTime)?.run(guide) }
}

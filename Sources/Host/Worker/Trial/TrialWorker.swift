internal import CPluginAPI
internal import HostInspection
internal import HostPolicy
internal import HostStore
public import HostSystem
public import HostValues
public import HostWire

/// A plugin that is tried in this process, for `schedhost try` and for tests of plugins; it takes the place of a worker.
/// There is no sandbox and there are no limits, and a crash ends the process, as is useful under a debugger.
///
/// Not Sendable: one thread at a time may use it.
public final class TrialWorker {
    /// The reason why a file cannot be tried, or its plugin cannot be loaded.
    public struct Refusal: Error, CustomStringConvertible {
        /// The reason in one line.
        public let description: String
    }

    /// The plugin's description of itself.
    public let description: PluginDescription
    private let loaded: LoadedPlugin
    private let clock: any HostClock
    private let log: LogGate
    private let events: TrialEvents
    private var context: PluginContext?

    /// Loads the file, which runs its constructors. `level` is the minimum level of log lines, in the ABI's numbers.
    /// `ring` is called on any thread when there is something to `take`.
    public convenience init(
        path: String, clock: any HostClock, level: Int32, ring: @escaping @Sendable () -> Void = {}
    ) throws(Refusal) {
        let loaded: LoadedPlugin
        do throws(LoadedPlugin.Refusal) {
            loaded = try LoadedPlugin(path: path)
        } catch {
            throw Refusal(description: "\(path): \(error.text)")
        }
        self.init(loaded, clock: clock, level: level, ring: ring)
    }

    /// Uses a plugin that is part of this process, by its descriptor. `level` and `ring` are as above.
    public convenience init(
        descriptor: UnsafeRawPointer, clock: any HostClock, level: Int32, ring: @escaping @Sendable () -> Void = {}
    ) throws(Refusal) {
        let loaded: LoadedPlugin
        do throws(LoadedPlugin.Refusal) {
            loaded = try unsafe LoadedPlugin(descriptor: descriptor.assumingMemoryBound(to: schedhost_plugin.self))
        } catch {
            throw Refusal(description: "the plugin's descriptor: \(error.text)")
        }
        self.init(loaded, clock: clock, level: level, ring: ring)
    }

    private init(_ loaded: LoadedPlugin, clock: any HostClock, level: Int32, ring: @escaping @Sendable () -> Void) {
        self.loaded = loaded
        _ = TimeZoneCache.shared  // created before the plugin can change the environment
        description = loaded.description
        self.clock = clock
        log = LogGate(level: level)
        events = TrialEvents(ring: ring)
    }

    /// Prepares the plugin and calls its `load`, as `order` says. `ledger` is the file for the sessions' counts, with
    /// one slot for each routine. `data` is the path of the plugin's data folder. If `virtual` is given, the routines run by that clock.
    public func load(
        _ order: WorkerCommand.Load, ledger: consuming Descriptor, cacheValueMb: UInt64, cacheMemoryMb: UInt64,
        data: String?, virtual: VirtualClock?
    ) throws {
        let budget = CacheBudget(
            valueLimit: Int(clamping: cacheValueMb) << 20, totalLimit: Int(clamping: cacheMemoryMb) << 20)
        var place: CachePlace?
        if let caches = order.caches {
            place = CachePlace(
                SystemCacheFolder(try Directory(caches.path), clock: clock), of: .plugin, build: order.build,
                elsewhere: NamedFolders(data: data, clock: clock).open)
        }
        let context = PluginContext(
            number: order.plugin, instance: order.instance, loaded: loaded, ledger: try LedgerFile(ledger),
            clock: clock, channel: events, log: log, sessions: SessionCounter(), budget: budget, cachePlace: place,
            hasOwnTable: true)
        try context.prepare(loaded, parameters: order.parameters, caches: order.cacheSettings, on: virtual)
        if let text = context.load() { throw Refusal(description: "\(order.name): load failed: \(text)") }
        self.context = context
    }

    /// Calls the plugin's `unload` after the last session; returns the text of its failure, or nil.
    public func unload() -> String? { context?.unload() }

    /// The counters of each cache, by the index of its routine. A routine without caches has no entry.
    public func cacheCounts() -> [Int: [CacheCount]] {
        var counts: [Int: [CacheCount]] = [:]
        for runner in context?.runners ?? [] {
            let counted = runner.caches.counters().map { label, count in
                CacheCount(label, count)
            }
            if !counted.isEmpty { counts[runner.index] = counted.sorted { $0.order < $1.order } }
        }
        return counts
    }

    /// The plugin's events since the last call: ends of sessions, and log lines.
    public func take() -> [TrialEvent] { events.take() }

    /// Performs a supervisor's command about a session. Commands about the worker itself are ignored.
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
        case .seal, .confine, .load, .go, .history, .dropCached, .logLevel, .share, .store, .quit: break
        }
    }

    /// Makes a request to the routine whose session uses the slot: each routine uses the slot of its own number.
    private func ask(_ slot: Int, _ request: TurnRequests.Kinds) {
        guard let runner = context?.runner(slot) else { return }
        runner.ask(request)
        context?.driver?.poke(slot)
    }

    /// Runs the sessions in virtual time until the guide ends the run. Does nothing if the plugin was loaded for real
    /// time.
    public func run(_ guide: any VirtualTimeGuide) { (context?.driver as? VirtualTime)?.run(guide) }
}

/// The counters of one cache of a plugin that is tried.
public struct CacheCount: Sendable {
    /// The cache's name.
    public let name: String
    /// Whether it is a disk cache.
    public let isOnDisk: Bool
    /// Whether the plugin's routines share it; the counters are then what this routine has to do with.
    public let isOfPlugin: Bool
    /// The counters, with their names.
    public let counts: [(name: String, count: UInt64)]

    fileprivate init(_ label: RoutineCaches.Label, _ counters: CacheCounters) {
        name = label.name
        isOnDisk = label.isOnDisk
        isOfPlugin = label.isOfPlugin
        counts = [
            ("hits", counters.hits), ("loads", counters.loads), ("failures", counters.loadFailures),
            ("stale", counters.staleServed), ("evictions", counters.evictions), ("corrupt", counters.corrupt),
            ("save_failures", counters.saveFailures),
        ]
    }

    fileprivate var order: (String, Int) { (name, (isOnDisk ? 0 : 1) + (isOfPlugin ? 2 : 0)) }
}

internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A routine's caches as the plugin sees them: its handles, on top of the routine's namespace.
@safe final class RoutineCaches: @unchecked Sendable {
    // @unchecked: `oldTexts`, `failed` and `holding` are accessed on the routine's callback thread only.
    private struct State {
        /// The number of background refreshes in progress.
        var refreshes = 0
        var isClosing = false
    }

    let namespace: CacheNamespace
    /// The plugin.
    unowned let owner: PluginContext
    /// Nil in a test that needs none.
    private unowned let runner: RoutineRunner?
    private let state: Monitor<State>
    private let handles = Monitor<[ObjectIdentifier: CacheHandle]>([:])
    /// Replaced error texts, kept because `cache_error` may have returned them during the callback in progress.
    private var oldTexts: [CText] = []
    /// The handles that have an error text, which is valid for the callback in progress.
    private var failed: [CacheHandle] = []
    /// The routine's handles of the caches that the plugin's routines share, by those of the plugin.
    private let uses = Monitor<[ObjectIdentifier: CacheHandle]>([:])
    /// The views of such caches that hold a value until the callback has returned.
    private var holding: [CacheView] = []

    /// Makes the caches of a routine; of the number -1 and without a name those that the plugin's routines share.
    init(
        plugin: PluginContext, routine: String, number: Int, settings: CacheSettings, runner: RoutineRunner? = nil
    ) {
        owner = plugin
        self.runner = runner
        var place = number < 0 ? plugin.sharedPlace : plugin.cachePlace
        place?.settings = settings
        let state = Monitor(State())
        self.state = state
        let isVirtual = plugin.driver?.isVirtual ?? false
        var woken: (@Sendable () -> Void)?
        if number < 0, isVirtual { woken = { [unowned plugin] in plugin.wakeWaiting() } }
        let environment = CacheEnvironment(
            clock: plugin.clock,
            // A virtual boot clock belongs to no boot, so that ages of stored values come from the wall clock.
            origin: isVirtual ? CacheOrigin(machine: "", boot: "", bootOffset: 0) : CacheOrigin(),
            jitter: { isVirtual ? 0.5 : Double.random(in: 0...1) },
            background: { work in isVirtual ? Self.refreshNow(state, work) : Self.refresh(state, work) },
            endsRefreshes: { state.withLock { $0.isClosing } },
            isStopAsked: { [unowned runner] in runner?.isStopRequested ?? false },
            report: { [log = plugin.log, channel = plugin.channel, clock = plugin.clock, id = plugin.number] event in
                let level = Self.level(event).number
                guard log.isOpen(level) else { return }
                channel.log(
                    WorkerEvent.Log(
                        plugin: id, routine: number < 0 ? nil : number, level: level, text: Self.text(event),
                        ms: clock.wallMilliseconds()))
            },
            shared: plugin.shared.map { socket in
                (SharedCalls(socket, timeoutMs: settings.sharedTimeoutMs, clock: plugin.clock), settings.sharing)
            },
            woken: woken)
        // In virtual time a routine does not wait in fact, so that values need not be released before the next callback's end.
        var isInCallback: (@Sendable () -> Bool)?
        if number >= 0, runner != nil, !isVirtual, let cells = plugin.cells {
            isInCallback = { cells.isInCallback(number) }
        }
        namespace = CacheNamespace(
            plugin: plugin.id, routine: routine, budget: plugin.budget, place: place,
            environment: environment, isInCallback: isInCallback)
    }

    /// Opens a cache and returns its handle, the same one each time. A later call replaces the source but no other
    /// option: what the former source uses may have gone with the former session.
    func open(
        _ name: String, _ options: CacheOptions, isDisk: Bool, source: PluginSource?,
        cell: UnsafeMutablePointer<RoutineCell>
    ) -> Result<CacheHandle, CacheFailure> {
        handles.withLock { handles in
            var options = options
            let slot = SourceSlot(source)
            if source != nil {
                unsafe options.source = { key, writer in unsafe slot.run(key, writer) }
            }
            return namespace.open(name, options, isOnDisk: isDisk).map { cache in
                if let known = handles[ObjectIdentifier(cache)] {
                    if let source { known.source.set(source) }
                    return known
                }
                let handle = unsafe CacheHandle(
                    cache: cache, caches: self, cell: cell, source: slot, isOwn: !isOfPlugin)
                handles[ObjectIdentifier(cache)] = handle
                return handle
            }
        }
    }

    /// The path that a plugin gives for the files of a cache; nil, and told, if it names no folder.
    func path(_ given: UnsafePointer<CChar>, of name: String) -> CachePath? {
        let text = unsafe String(validatingCString: given)
        let fault = text.map { CachePath.fault(of: $0) } ?? "it is not UTF-8"
        if let fault { namespace.refuse(text ?? "", of: name, fault) }
        return fault == nil ? text.flatMap(CachePath.init) : nil
    }

    /// Whether these are the caches that the plugin's routines share.
    private var isOfPlugin: Bool { namespace.routine.isEmpty }

    /// This routine's handle of a cache that the plugin's routines share.
    func use(of shared: CacheHandle, cell: UnsafeMutablePointer<RoutineCell>) -> CacheHandle {
        uses.withLock { uses in
            if let known = uses[ObjectIdentifier(shared)] { return known }
            let handle = unsafe CacheHandle(use: shared, by: self, cell: cell)
            uses[ObjectIdentifier(shared)] = handle
            return handle
        }
    }

    /// Releases what was kept for the callback that has just returned.
    func callbackEnded() {
        namespace.callbackEnded()
        if !holding.isEmpty {
            for view in holding { view.release() }
            holding.removeAll(keepingCapacity: true)
        }
        if failed.isEmpty { return }
        for handle in failed { handle.forgetError() }
        failed = []
        oldTexts = []
    }

    /// Notes that the error text of a handle has been set, and keeps the text that it replaces until the callback
    /// returns. Call it on the callback's thread.
    func noteError(of handle: CacheHandle, replacing old: CText?) {
        failed.append(handle)
        if let old { oldTexts.append(old) }
    }

    /// Allows refreshes at the beginning of a session.
    func open() { state.withLock { $0.isClosing = false } }

    /// Waits for refreshes in progress and prevents new ones, before the plugin's `stop` is called.
    func close() {
        state.withLock { $0.isClosing = true }
        state.wait { state in state.refreshes == 0 ? () : nil }
    }

    /// Identifies a cache that the routine uses: there may be one in memory and one on disk with the same name, and the
    /// plugin may have others of that name. Names are compared by bytes, as `CacheList` does.
    struct Label: Hashable {
        let name: String
        let isOnDisk: Bool
        var isOfPlugin = false

        static func == (one: Label, other: Label) -> Bool {
            one.isOnDisk == other.isOnDisk && one.isOfPlugin == other.isOfPlugin
                && one.name.utf8.elementsEqual(other.name.utf8)
        }

        func hash(into hasher: inout Hasher) {
            for byte in name.utf8 { hasher.combine(byte) }
            hasher.combine(isOnDisk)
            hasher.combine(isOfPlugin)
        }
    }

    /// The counters of each cache since the worker started; of those that the plugin's routines share this one's part.
    func counters() -> [Label: CacheCounters] {
        let caches = handles.withLock { handles in handles.values.map(\.cache) }
        var counters: [Label: CacheCounters] = [:]
        for cache in caches {
            counters[Label(name: cache.name, isOnDisk: cache.isOnDisk)] = cache.counters()
        }
        for use in uses.withLock({ Array($0.values) }) {
            let label = Label(name: use.cache.name, isOnDisk: use.cache.isOnDisk, isOfPlugin: true)
            counters[label] = use.counters
        }
        return counters
    }

    /// The sum of these.
    func total() -> CacheCounters {
        let uses = uses.withLock { Array($0.values) }
        return uses.reduce(namespace.counters()) { $0 + $1.counters }
    }

    private static func refresh(_ state: Monitor<State>, _ work: @escaping @Sendable () -> Void) -> Bool {
        let isAllowed = state.withLock { state in
            guard !state.isClosing, state.refreshes < 16 else { return false }
            state.refreshes += 1
            return true
        }
        guard isAllowed else { return false }
        do throws(SystemError) {
            try Thread.start(name: "cache refresh", stack: 8 << 20) {
                work()
                state.withLock { $0.refreshes -= 1 }
                state.broadcast()
            }
            return true
        } catch {
            state.withLock { $0.refreshes -= 1 }
            return false
        }
    }

    /// Runs a refresh at once, on the calling thread.
    private static func refreshNow(_ state: Monitor<State>, _ work: () -> Void) -> Bool {
        if state.withLock({ $0.isClosing }) { return false }
        work()
        return true
    }

    private static func level(_ event: CacheEvent) -> LogLevel {
        switch event {
        case .loaded: .debug
        case .loadFailed, .setAside: .warning
        case .saveFailed, .readFailed, .placeRefused: .error
        }
    }

    private static func text(_ event: CacheEvent) -> String {
        switch event {
        case .loaded(let cache, let bytes, let time):
            "\(cache): loaded \(bytes) bytes in \(DurationText.format(milliseconds: time / 1_000_000))"
        case .loadFailed(let cache, let failure, let time):
            "\(cache): its source failed after \(DurationText.format(milliseconds: time / 1_000_000)): "
                + (failure.text.isEmpty ? "error \(failure.code)" : failure.text)
        case .saveFailed(let cache, let error): "\(cache): not saved: \(error)"
        case .setAside(let cache, let file, let reason):
            "\(cache): its file was set aside as \(file), and the value is loaded anew: \(reason)"
        case .readFailed(let cache, let error): "\(cache): \(error)"
        case .placeRefused(let cache, let path, let error):
            "\(cache): its path \(path) cannot be used: \(error)"
        }
    }
}

extension RoutineCaches: CacheCaller {
    var callerName: String { namespace.routine }
    var isStopAsked: Bool { runner?.isStopRequested ?? false }

    var endsRefreshes: Bool { state.withLock { $0.isClosing } }

    /// A little before the callback in progress would be taken for one that hangs.
    var patience: MonotonicTime? {
        guard let runner, unsafe isCallback(runner.scheduler), runner.session.timeout > 0 else { return nil }
        let timeout = runner.session.timeout
        let spent = unsafe runner.clock.boot() - runner.cell.pointee.ledger.began
        return runner.clock.monotonic() + max(0, timeout - min(timeout / 10, 1_000_000_000) - spent)
    }

    func waitVirtually(until deadline: MonotonicTime) -> Bool {
        guard let runner else { return false }
        return owner.waitVirtually(runner, until: deadline)
    }

    func refresh(_ work: @escaping @Sendable () -> Void) -> Bool {
        owner.driver?.isVirtual ?? false ? Self.refreshNow(state, work) : Self.refresh(state, work)
    }

    func holds(_ view: CacheView) { holding.append(view) }
    func keep(_ value: CacheValue) { namespace.park(value, isOfPlugin: true) }
}

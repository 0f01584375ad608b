internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A routine's caches as the plugin sees them: the handles that it holds, over the routine's namespace.
@safe final class RoutineCaches: @unchecked Sendable {
    // @unchecked: `oldTexts` is touched on the routine's callback thread only.
    private struct State {
        /// Refreshes that run on threads of the host's.
        var refreshes = 0
        var isClosing = false
    }

    let namespace: CacheNamespace
    private let state: Monitor<State>
    private let handles = Monitor<[ObjectIdentifier: CacheHandle]>([:])
    /// Texts that `cache_error` gave in the callback in progress and that are outdated.
    private var oldTexts: [CText] = []

    init(plugin: PluginContext, routine: String, number: Int, settings: CacheSettings) {
        var place = plugin.cachePlace
        place?.settings = settings
        let state = Monitor(State())
        self.state = state
        let hasBackground = plugin.driver?.hasBackground ?? true
        let environment = CacheEnvironment(
            clock: plugin.clock,
            background: { work in hasBackground ? Self.refresh(state, work) : Self.refreshNow(state, work) },
            report: { [log = plugin.log, channel = plugin.channel, clock = plugin.clock, id = plugin.number] event in
                let level = Self.level(event).number
                guard log.isOpen(level) else { return }
                channel.log(
                    WorkerEvent.Log(
                        plugin: id, routine: number < 0 ? nil : number, level: level, text: Self.text(event),
                        ms: clock.wallMilliseconds()))
            })
        namespace = CacheNamespace(
            plugin: plugin.id, routine: routine, budget: plugin.budget, place: place,
            environment: environment)
    }

    /// Opens a cache: the same handle each time. A later call's source is taken, its other options are not: what
    /// a source is called with may be gone with the session before.
    func open(
        _ name: String, _ options: CacheOptions, isDisk: Bool, source: PluginSource?,
        cell: UnsafeMutablePointer<RoutineCell>
    ) -> Result<CacheHandle, CacheFailure> {
        handles.withLock { handles in
            var options = options
            let slot = SourceSlot(source)
            let objects = options.objects
            if source != nil {
                unsafe options.source = { key, writer in unsafe slot.run(key, writer, holdsObjects: objects) }
            }
            return namespace.open(name, options, isOnDisk: isDisk).map { cache in
                if let known = handles[ObjectIdentifier(cache)] {
                    if let source { known.source.set(source) }
                    return known
                }
                let handle = unsafe CacheHandle(cache: cache, caches: self, cell: cell, source: slot)
                handles[ObjectIdentifier(cache)] = handle
                return handle
            }
        }
    }

    /// A callback has returned: what it looked at may go.
    func callbackEnded() {
        namespace.callbackEnded()
        if !oldTexts.isEmpty { oldTexts = [] }
    }

    /// Keeps a text until the callback returns; on its thread.
    func keep(_ text: CText) { oldTexts.append(text) }

    /// A session begins: refreshes may run.
    func open() { state.withLock { $0.isClosing = false } }

    /// Waits for refreshes in progress, and lets none begin: the plugin's `stop` comes next.
    func close() {
        state.withLock { $0.isClosing = true }
        state.wait { state in state.refreshes == 0 ? () : nil }
    }

    /// Which cache of the routine: of one name there may be one in memory and one on disk.
    struct Label: Hashable {
        let name: String
        let isOnDisk: Bool
    }

    /// What each cache counted since the worker started.
    func counters() -> [Label: CacheCounters] {
        let caches = handles.withLock { handles in handles.values.map(\.cache) }
        return caches.reduce(into: [:]) { sums, cache in
            sums[Label(name: cache.name, isOnDisk: cache.isOnDisk)] = cache.counters()
        }
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

    /// The same at once, on the thread that asks.
    private static func refreshNow(_ state: Monitor<State>, _ work: () -> Void) -> Bool {
        if state.withLock({ $0.isClosing }) { return false }
        work()
        return true
    }

    private static func level(_ event: CacheEvent) -> LogLevel {
        switch event {
        case .loaded: .debug
        case .loadFailed, .setAside: .warning
        case .saveFailed, .readFailed: .error
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
        }
    }
}

/// What stands behind a `schedhost_cache *`: one cache of one routine. Lives as long as the worker.
@safe final class CacheHandle: @unchecked Sendable {
    // @unchecked: `errorText` is touched on the routine's callback thread only.
    let cache: HostCache
    /// Whose it is; it holds this handle.
    unowned let caches: RoutineCaches
    let cell: UnsafeMutablePointer<RoutineCell>
    /// The routine's scheduler, which the plugin passes beside the handle.
    let scheduler: UnsafePointer<schedhost_scheduler>
    let source: SourceSlot
    private(set) var errorText: CText?

    init(cache: HostCache, caches: RoutineCaches, cell: UnsafeMutablePointer<RoutineCell>, source: SourceSlot) {
        self.cache = cache
        self.caches = caches
        unsafe self.cell = unsafe cell
        unsafe scheduler = unsafe UnsafeRawPointer(cell).assumingMemoryBound(to: schedhost_scheduler.self)
        self.source = source
    }

    /// What the plugin holds.
    var opaque: OpaquePointer { unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Whether the calling thread is in a callback of the routine.
    @inline(__always)
    var isCallback: Bool { unsafe cell.pointee.callbackThread.load(ordering: .relaxed) == Thread.current }

    /// Sets what `cache_error` gives to the calling thread.
    func setError(_ text: String) {
        guard isCallback else { return ThreadError.set(text, of: self) }
        if let old = errorText { caches.keep(old) }
        errorText = CText(text)
    }
}

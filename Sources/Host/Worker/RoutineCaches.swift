internal import CPluginAPI
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire
internal import Synchronization

/// A routine's caches as the plugin sees them: its handles, on top of the routine's namespace.
@safe final class RoutineCaches: @unchecked Sendable {
    // @unchecked: `oldTexts` and `failed` are accessed on the routine's callback thread only.
    private struct State {
        /// The number of background refreshes in progress.
        var refreshes = 0
        var isClosing = false
    }

    let namespace: CacheNamespace
    private let state: Monitor<State>
    private let handles = Monitor<[ObjectIdentifier: CacheHandle]>([:])
    /// Replaced error texts, kept because `cache_error` may have returned them during the callback in progress.
    private var oldTexts: [CText] = []
    /// The handles that have an error text, which is valid for the callback in progress.
    private var failed: [CacheHandle] = []

    init(plugin: PluginContext, routine: String, number: Int, settings: CacheSettings) {
        var place = plugin.cachePlace
        place?.settings = settings
        let state = Monitor(State())
        self.state = state
        let isVirtual = plugin.driver?.isVirtual ?? false
        let environment = CacheEnvironment(
            clock: plugin.clock,
            // A virtual boot clock belongs to no boot, so that ages of stored values come from the wall clock.
            origin: isVirtual ? CacheOrigin(machine: "", boot: "", bootOffset: 0) : CacheOrigin(),
            jitter: { isVirtual ? 0.5 : Double.random(in: 0...1) },
            background: { work in isVirtual ? Self.refreshNow(state, work) : Self.refresh(state, work) },
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
            })
        namespace = CacheNamespace(
            plugin: plugin.id, routine: routine, budget: plugin.budget, place: place,
            environment: environment)
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

    /// Releases what was kept for the callback that has just returned.
    func callbackEnded() {
        namespace.callbackEnded()
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

    /// Identifies a cache of the routine: there may be one in memory and one on disk with the same name.
    struct Label: Hashable {
        let name: String
        let isOnDisk: Bool
    }

    /// The counters of each cache since the worker started.
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

/// The object behind a `schedhost_cache *`: one cache of one routine. It lives as long as the worker.
@safe final class CacheHandle: @unchecked Sendable {
    // @unchecked: `errorText` is accessed on the routine's callback thread only.
    let cache: HostCache
    /// The caches that this handle belongs to, which own it.
    unowned let caches: RoutineCaches
    let cell: UnsafeMutablePointer<RoutineCell>
    /// The routine's scheduler, which the plugin passes together with the handle.
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

    /// The pointer that the plugin receives.
    var opaque: OpaquePointer { unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Whether the calling thread is in a callback of the routine.
    @inline(__always)
    var isCallback: Bool { unsafe cell.pointee.callbackThread.load(ordering: .relaxed) == Thread.current }

    /// Sets the text that `cache_error` returns to the calling thread.
    func setError(_ text: String) {
        guard isCallback else { return ThreadError.set(text, of: self) }
        caches.noteError(of: self, replacing: errorText)
        errorText = CText(text)
    }

    /// The callback whose calls failed has returned.
    func forgetError() { errorText = nil }
}

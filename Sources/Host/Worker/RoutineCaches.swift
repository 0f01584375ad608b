internal import CPluginAPI
internal import HostCore
internal import HostSystem

/// A routine's caches as the plugin sees them: the handles that it holds, over the routine's namespace.
@safe final class RoutineCaches: Sendable {
    private struct State {
        var handles: [ObjectIdentifier: CacheHandle] = [:]
        /// Refreshes that run on threads of the host's.
        var refreshes = 0
        var isClosing = false
    }

    let namespace: CacheNamespace
    private let state: Monitor<State>

    init(plugin: PluginContext, routine: String, number: Int) {
        let state = Monitor(State())
        self.state = state
        let environment = CacheEnvironment(
            clock: plugin.clock, background: { work in Self.refresh(state, work) },
            report: { [channel = plugin.channel, clock = plugin.clock, index = plugin.number] event in
                Self.log(event, to: channel, plugin: index, routine: number, ms: clock.wall() / 1_000_000)
            })
        namespace = CacheNamespace(
            plugin: plugin.loaded.description.id, routine: routine, budget: plugin.budget, place: plugin.cachePlace,
            environment: environment)
    }

    /// The handle of a cache, the same each time.
    func handle(_ cache: HostCache, cell: UnsafeMutablePointer<RoutineCell>) -> CacheHandle {
        state.withLock { state in
            if let known = state.handles[ObjectIdentifier(cache)] { return known }
            let handle = unsafe CacheHandle(cache: cache, namespace: namespace, cell: cell)
            state.handles[ObjectIdentifier(cache)] = handle
            return handle
        }
    }

    /// A session begins: refreshes may run.
    func open() { state.withLock { $0.isClosing = false } }

    /// Waits for refreshes in progress, and lets none begin: the plugin's `stop` comes next.
    func close() {
        state.withLock { $0.isClosing = true }
        state.wait { state in state.refreshes == 0 ? () : nil }
    }

    /// What each cache counted since the worker started, by name.
    func counters() -> [String: CacheCounters] {
        let caches = state.withLock { state in state.handles.values.map(\.cache) }
        return caches.reduce(into: [:]) { sums, cache in
            sums[cache.name] = (sums[cache.name] ?? CacheCounters()) + cache.counters()
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

    private static func log(_ event: CacheEvent, to channel: EventChannel, plugin: Int, routine: Int, ms: Int64) {
        let (level, text): (LogLevel, String) =
            switch event {
            case .loaded(let cache, let bytes, let time):
                (.debug, "cache \(cache): loaded \(bytes) bytes in \(DurationText.format(milliseconds: time / 1_000_000))")
            case .loadFailed(let cache, let failure, let time):
                (
                    .warning,
                    "cache \(cache): its source failed after \(DurationText.format(milliseconds: time / 1_000_000)): "
                        + (failure.text.isEmpty ? "error \(failure.code)" : failure.text)
                )
            case .saveFailed(let cache, let error): (.error, "cache \(cache): not saved: \(error)")
            case .setAside(let cache, let file, let reason):
                (.warning, "cache \(cache): a damaged file was set aside as \(file): \(reason)")
            case .readFailed(let cache, let error): (.error, "cache \(cache): \(error)")
            }
        channel.log(
            WorkerEvent.Log(
                plugin: plugin, routine: routine < 0 ? nil : routine, level: level.number, text: text, ms: ms))
    }
}

/// What stands behind a `schedhost_cache *`: one cache of one routine. Lives as long as the worker.
@safe final class CacheHandle: @unchecked Sendable {
    // @unchecked: `errorText` is touched on the routine's callback thread only.
    let cache: HostCache
    let namespace: CacheNamespace
    let cell: UnsafeMutablePointer<RoutineCell>
    var errorText: CText?

    init(cache: HostCache, namespace: CacheNamespace, cell: UnsafeMutablePointer<RoutineCell>) {
        self.cache = cache
        self.namespace = namespace
        unsafe self.cell = unsafe cell
    }

    /// What the plugin holds.
    var opaque: OpaquePointer { unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }
}

/// One run of a plugin's cache source: where `schedhost_fail` puts its text, whichever thread it is on.
@safe final class SourceRun {
    private static let slot = ThreadSlot()

    var message = ""
    let writer: CacheWriter
    let holdsObjects: Bool

    private init(_ writer: CacheWriter, holdsObjects: Bool) {
        self.writer = writer
        self.holdsObjects = holdsObjects
    }

    /// The run that the calling thread is in, innermost first.
    static var current: SourceRun? {
        unsafe slot.pointer.map { unsafe Unmanaged<SourceRun>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Runs a source on the calling thread.
    static func perform(
        _ source: schedhost_source, user: UnsafeMutableRawPointer?, key: UnsafeRawBufferPointer, writer: CacheWriter,
        holdsObjects: Bool, scheduler: UnsafePointer<schedhost_scheduler>
    ) -> CacheSourceFailure? {
        let run = SourceRun(writer, holdsObjects: holdsObjects)
        let outer = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passUnretained(run).toOpaque())
        defer { unsafe slot.set(outer) }
        var face = unsafe schedhost_writer()
        unsafe face.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe face.write = { face, bytes, size in unsafe write(face, bytes, size) }
        unsafe face.set_object = { face, object, release, cost in unsafe setObject(face, object, release, cost) }
        unsafe face.host_data = unsafe Unmanaged.passUnretained(run).toOpaque()
        let code = withExtendedLifetime(run) { unsafe source(scheduler, key.baseAddress, key.count, &face, user) }
        return code == 0 ? nil : CacheSourceFailure(code: code, text: run.message)
    }
}

private func run(_ face: UnsafeMutablePointer<schedhost_writer>?) -> SourceRun? {
    guard let data = unsafe face?.pointee.host_data else { return nil }
    return unsafe Unmanaged<SourceRun>.fromOpaque(data).takeUnretainedValue()
}

private func write(_ face: UnsafeMutablePointer<schedhost_writer>?, _ bytes: UnsafeRawPointer?, _ size: Int) -> Int32 {
    guard let run = unsafe run(face), unsafe bytes != nil || size == 0, size >= 0 else { return SCHEDHOST_INVALID.code }
    let isTaken = unsafe run.writer.write(UnsafeRawBufferPointer(start: bytes, count: size))
    return isTaken ? SCHEDHOST_OK.code : SCHEDHOST_TOO_LARGE.code
}

private func setObject(
    _ face: UnsafeMutablePointer<schedhost_writer>?, _ object: UnsafeMutableRawPointer?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ cost: Int
) -> Int32 {
    guard let run = unsafe run(face), run.holdsObjects, let object = unsafe object else { return SCHEDHOST_INVALID.code }
    unsafe run.writer.setObject(object, cost: cost) { object in unsafe release?(object) }
    return SCHEDHOST_OK.code
}

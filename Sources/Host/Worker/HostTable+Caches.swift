internal import CPluginAPI
internal import HostStore
internal import HostSystem

/// The cache functions of the host table.
extension HostTable {
    static func fillCaches(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.cache_memory = { scheduler, name, options, cache in
            unsafe open(scheduler, name, options, cache, isDisk: false)
        }
        unsafe table.pointee.cache = { scheduler, name, options, cache in
            unsafe open(scheduler, name, options, cache, isDisk: true)
        }
        unsafe table.pointee.cache_get = { scheduler, cache, request, value in
            unsafe get(scheduler, cache, request, value)
        }
        unsafe table.pointee.cache_peek = { scheduler, cache, key, size, value in
            unsafe peek(scheduler, cache, key, size, value)
        }
        unsafe table.pointee.cache_put = { scheduler, cache, key, keySize, data, size in
            // A size above Int.max arrives negative: reject it.
            guard let handle = unsafe borrowedHandle(cache, of: scheduler), let key = unsafe bytes(key, keySize),
                size >= 0, unsafe data != nil || size == 0
            else { return SCHEDHOST_INVALID.code }
            let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size)
            return unsafe handle._withUnsafeGuaranteedRef { handle in
                code(unsafe handle.cache.put(bytes, key: key, byCallback: handle.isCallback), handle)
            }
        }
        unsafe table.pointee.cache_put_object = { scheduler, cache, key, keySize, object, release, cost in
            guard let handle = unsafe handle(cache, of: scheduler), let key = unsafe bytes(key, keySize),
                let object = unsafe object
            else { return SCHEDHOST_INVALID.code }
            return code(
                unsafe handle.cache.put(
                    object: object, cost: cost < 0 ? .max : cost, release: { object in unsafe release?(object) },
                    key: key),
                handle)
        }
        unsafe table.pointee.cache_invalidate = { scheduler, cache, key, keySize in
            guard let handle = unsafe handle(cache, of: scheduler), let key = unsafe bytes(key, keySize) else {
                return SCHEDHOST_INVALID.code
            }
            return code(handle.cache.invalidate(key: key), handle)
        }
        unsafe table.pointee.cache_set_aside = { scheduler, cache, key, keySize, generation, reason in
            guard let handle = unsafe handle(cache, of: scheduler), let key = unsafe bytes(key, keySize),
                handle.cache.isOnDisk
            else { return SCHEDHOST_INVALID.code }
            let reason = unsafe reason.flatMap { unsafe text($0) } ?? "the plugin cannot decode it"
            let isDone = handle.cache.reject(key: key, generation: generation, reason: String(reason.prefix(1000)))
            return isDone ? SCHEDHOST_OK.code : SCHEDHOST_NOT_FOUND.code
        }
        unsafe table.pointee.cache_pin = { _, value in
            if let value = unsafe value { unsafe CachePins.pin(value.pointee.pin) }
        }
        unsafe table.pointee.cache_release = { _, value in
            if let value = unsafe value { unsafe CachePins.release(value.pointee.pin) }
        }
        unsafe table.pointee.cache_error = { scheduler, cache in
            guard let handle = unsafe handle(cache, of: scheduler) else { return unsafe noText.pointer }
            let text = handle.isCallback ? handle.errorText : ThreadError.text(of: handle)
            return unsafe text?.pointer ?? noText.pointer
        }
        unsafe table.pointee.cache_counters = { scheduler, cache, counters in
            unsafe count(scheduler, cache, counters)
        }
    }
}

private let noText = CText("")

/// The handle by which the scheduler's routine uses the cache that the plugin passed; nil if the cache is not its own and
/// not its plugin's.
private func handle(_ cache: OpaquePointer?, of scheduler: UnsafePointer<schedhost_scheduler>?) -> CacheHandle? {
    unsafe borrowedHandle(cache, of: scheduler)?.takeUnretainedValue()
}

/// The same without a reference, which a handle does not need: it lives as long as the worker.
@inline(__always)
private func borrowedHandle(_ cache: OpaquePointer?, of scheduler: UnsafePointer<schedhost_scheduler>?)
    -> Unmanaged<CacheHandle>?
{
    guard let cache = unsafe cache, let scheduler = unsafe scheduler else { return nil }
    let handle = unsafe Unmanaged<CacheHandle>.fromOpaque(UnsafeRawPointer(cache))
    if unsafe handle._withUnsafeGuaranteedRef({ unsafe $0.owner == scheduler }) { return unsafe handle }
    return unsafe handle._withUnsafeGuaranteedRef { unsafe $0.use(by: scheduler) }.map { unsafe .passUnretained($0) }
}

private func bytes(_ key: UnsafeRawPointer?, _ size: Int) -> [UInt8]? {
    if size == 0 { return [] }
    guard let key = unsafe key, size > 0, size <= Int(SCHEDHOST_MAX_KEY) else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: key, count: size))
}

/// The plugin's result struct, cleared; nil if the struct is too small.
@inline(__always)
private func checked(_ value: UnsafeMutablePointer<schedhost_cache_value>?)
    -> UnsafeMutablePointer<schedhost_cache_value>?
{
    guard let value = unsafe value else { return nil }
    let size = unsafe value.pointee.struct_size
    guard unsafe size >= UInt32(MemoryLayout<schedhost_cache_value>.size) else { return nil }
    unsafe value.pointee = unsafe schedhost_cache_value()
    unsafe value.pointee.struct_size = size
    return unsafe value
}

/// Copies a plugin's struct, which may come from an older and shorter header; missing fields are zero.
private func whole<Value>(_ given: UnsafePointer<Value>, _ size: UInt32, _ empty: Value) -> Value {
    var whole = empty
    unsafe withUnsafeMutableBytes(of: &whole) { target in
        let count = min(Int(size), target.count)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: given, count: count))
    }
    return whole
}

private func open(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ name: UnsafePointer<CChar>?,
    _ options: UnsafePointer<schedhost_cache_options>?, _ cache: UnsafeMutablePointer<OpaquePointer?>?, isDisk: Bool
) -> Int32 {
    guard let cache = unsafe cache else { return SCHEDHOST_INVALID.code }
    unsafe cache.pointee = nil
    guard let scheduler = unsafe scheduler, let name = unsafe text(name), let given = unsafe options,
        unsafe given.pointee.struct_size >= 8
    else { return SCHEDHOST_INVALID.code }
    let options = unsafe whole(given, given.pointee.struct_size, schedhost_cache_options())
    let flags = unsafe options.flags
    let (objects, shared) = (UInt32(SCHEDHOST_CACHE_OBJECTS), UInt32(SCHEDHOST_CACHE_SHARED))
    let plugins = UInt32(SCHEDHOST_CACHE_PLUGIN)
    if flags & ~(objects | shared | plugins) != 0 { return SCHEDHOST_UNSUPPORTED.code }
    let asker = unsafe scheduler.runner
    let isOfPlugin = flags & plugins != 0
    guard isOfPlugin || asker.index >= 0, let runner = isOfPlugin ? asker.plugin.scope : asker else {
        return SCHEDHOST_NOT_HERE.code
    }
    if unsafe options.expire_ms < 0 || options.refresh_after_ms < 0 { return SCHEDHOST_INVALID.code }
    var path: CachePath?
    if let given = unsafe options.path {
        path = unsafe runner.useCaches().path(given, of: name)
        if path == nil { return SCHEDHOST_INVALID.code }
    }
    let wanted = unsafe CacheOptions(
        expire: CacheTime.nanoseconds(milliseconds: options.expire_ms),
        refreshAfter: CacheTime.nanoseconds(milliseconds: options.refresh_after_ms),
        maxValueBytes: Int(clamping: options.max_value_bytes), objects: flags & objects != 0,
        isShared: flags & shared != 0, codec: options.codec, path: path)
    let source = unsafe options.source.map { source in
        unsafe PluginSource(source: source, user: options.user, scheduler: scheduler)
    }
    switch unsafe runner.useCaches().open(name, wanted, isDisk: isDisk, source: source, cell: runner.cell) {
    case .success(let handle):
        unsafe cache.pointee = unsafe handle.opaque
        return SCHEDHOST_OK.code
    case .failure(let error):
        return error.code
    }
}

/// The value held, without a lock where `get` takes none.
private func peek(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ cache: OpaquePointer?, _ key: UnsafeRawPointer?, _ size: Int,
    _ value: UnsafeMutablePointer<schedhost_cache_value>?
) -> Int32 {
    // The answer is cleared first: what was in it must not be taken for one, whatever is wrong with the rest.
    guard let value = unsafe checked(value), let handle = unsafe borrowedHandle(cache, of: scheduler), size >= 0,
        unsafe key != nil || size == 0
    else { return SCHEDHOST_INVALID.code }
    return unsafe handle._withUnsafeGuaranteedRef { handle in
        if handle.view == nil, handle.isCallback,
            let hit = unsafe handle.cache.glance(key: UnsafeRawBufferPointer(start: key, count: size))
        {
            unsafe fill(value, SCHEDHOST_VALUE_HIT, hit.value, age: hit.age, lastError: hit.lastError)
            return SCHEDHOST_OK.code
        }
        guard let key = unsafe bytes(key, size) else { return SCHEDHOST_INVALID.code }
        return unsafe fill(value, handle.cache.peek(key: key), handle)
    }
}

/// A hit of a routine's own cache, by a key if `size` is not 0.
@inline(__always)
private func hit(_ cache: HostCache, _ key: UnsafeRawPointer?, _ size: Int, within oldest: Int64) -> CacheHit? {
    if size == 0 { return cache.hit(within: oldest) }
    guard size > 0, let key = unsafe key else { return nil }
    return unsafe cache.hit(key: UnsafeRawBufferPointer(start: key, count: size), within: oldest)
}

/// Fast path: a hit on the callback's thread takes no lock, no reference and no allocation. By a key it does so from its
/// second hit on.
private func get(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ cache: OpaquePointer?,
    _ request: UnsafePointer<schedhost_cache_request>?, _ value: UnsafeMutablePointer<schedhost_cache_value>?
) -> Int32 {
    // The answer is cleared first, as in `peek`.
    guard let value = unsafe checked(value), let cache = unsafe cache else { return SCHEDHOST_INVALID.code }
    var tolerance: Int64 = 0
    var isFresh = false
    var keySize = 0
    if let request = unsafe request {
        let size = unsafe request.pointee.struct_size
        if unsafe size < UInt32(MemoryLayout<schedhost_cache_request>.size) {
            if size < 8 { return SCHEDHOST_INVALID.code }
            var own = unsafe whole(request, size, schedhost_cache_request())
            unsafe own.struct_size = UInt32(MemoryLayout<schedhost_cache_request>.size)
            return unsafe get(scheduler, cache, &own, value)
        }
        let flags = unsafe request.pointee.flags
        if flags & ~UInt32(SCHEDHOST_GET_FRESH) != 0 { return SCHEDHOST_UNSUPPORTED.code }
        let given = unsafe request.pointee.tolerance_ms
        if given != 0 {
            if given < 0 { return SCHEDHOST_INVALID.code }
            tolerance = CacheTime.nanoseconds(milliseconds: given)
        }
        isFresh = flags != 0
        keySize = unsafe request.pointee.key_size
    }
    return unsafe Unmanaged<CacheHandle>.fromOpaque(UnsafeRawPointer(cache))._withUnsafeGuaranteedRef { handle in
        let wanted = CacheLookup(fresh: isFresh, tolerance: tolerance)
        guard unsafe handle.owner == scheduler else {
            return unsafe getShared(handle, scheduler, request, wanted, isKeyed: keySize != 0, value)
        }
        if !isFresh || tolerance > 0, handle.isCallback,
            let hit = unsafe hit(handle.cache, request?.pointee.key, keySize, within: isFresh ? tolerance : .max)
        {
            unsafe fill(value, SCHEDHOST_VALUE_HIT, hit.value, age: hit.age, lastError: hit.lastError)
            return SCHEDHOST_OK.code
        }
        return unsafe getWhole(handle, request, wanted, value)
    }
}

/// The same of a cache that the plugin's routines share: once the callback holds the value, a hit takes no lock either.
private func getShared(
    _ shared: CacheHandle, _ scheduler: UnsafePointer<schedhost_scheduler>?,
    _ request: UnsafePointer<schedhost_cache_request>?, _ wanted: CacheLookup, isKeyed: Bool,
    _ value: UnsafeMutablePointer<schedhost_cache_value>
) -> Int32 {
    guard let scheduler = unsafe scheduler, let handle = unsafe shared.use(by: scheduler) else {
        return SCHEDHOST_INVALID.code
    }
    if !isKeyed, !wanted.fresh || wanted.tolerance > 0, handle.isCallback,
        let hit = handle.view?.hit(in: handle.cache, within: wanted.fresh ? wanted.tolerance : .max)
    {
        unsafe fill(value, SCHEDHOST_VALUE_HIT, hit.value, age: hit.age, lastError: hit.lastError)
        return SCHEDHOST_OK.code
    }
    return unsafe getWhole(handle, request, wanted, value)
}

private func getWhole(
    _ handle: CacheHandle, _ request: UnsafePointer<schedhost_cache_request>?, _ wanted: CacheLookup,
    _ value: UnsafeMutablePointer<schedhost_cache_value>
) -> Int32 {
    guard let key = unsafe bytes(request?.pointee.key, request?.pointee.key_size ?? 0) else {
        return SCHEDHOST_INVALID.code
    }
    guard let source = unsafe request?.pointee.source else {
        return unsafe fill(
            value,
            handle.cache.get(
                wanted, key: key, by: handle.view, byCallback: handle.isCallback, caller: handle.waiter),
            handle)
    }
    let call = unsafe PluginSource(source: source, user: request?.pointee.user, scheduler: handle.scheduler)
    return unsafe fill(
        value,
        handle.cache.get(
            wanted, key: key, source: { key, writer in unsafe call.run(key, writer) },
            by: handle.view, byCallback: handle.isCallback, caller: handle.waiter),
        handle)
}

/// Writes a result of the full path. The value is kept alive until the callback or the source returns; outside of both
/// it is pinned.
private func fill(
    _ value: UnsafeMutablePointer<schedhost_cache_value>, _ result: Result<ServedValue, CacheFailure>,
    _ handle: CacheHandle
) -> Int32 {
    switch result {
    case .success(let answer):
        let state =
            switch answer.state {
            case .hit: SCHEDHOST_VALUE_HIT
            case .loaded: SCHEDHOST_VALUE_LOADED
            case .stale: SCHEDHOST_VALUE_STALE
            }
        let held = unsafe Unmanaged.passUnretained(answer.value)
        unsafe fill(value, state, held, age: answer.age, lastError: answer.lastFailure?.code ?? 0)
        // A stale value is served because the source failed, and the plugin may want to say why.
        if answer.state == .stale, let failure = answer.lastFailure {
            handle.setError(CacheFailure.sourceFailed(failure).description)
        }
        if handle.isCallback {
            handle.namespace.park(answer.value, isOfPlugin: handle.view != nil)
            if handle.view == nil, answer.state == .hit { handle.cache.remember(answer.value) }
        } else if let source = SourceRun.current {
            source.keep(answer.value)
        } else {
            CachePins.pin(answer.value)
        }
        return SCHEDHOST_OK.code
    case .failure(let error):
        if case .sourceFailed(let failure) = error { unsafe value.pointee.last_error = failure.code }
        handle.note(error)
        return error.code
    }
}

@inline(__always)
private func fill(
    _ value: UnsafeMutablePointer<schedhost_cache_value>, _ state: Int, _ held: Unmanaged<CacheValue>, age: Int64?,
    lastError: Int32
) {
    unsafe held._withUnsafeGuaranteedRef { held in
        unsafe (value.pointee.data, value.pointee.size, value.pointee.object) = unsafe held.parts
        unsafe value.pointee.generation = held.generation
    }
    unsafe value.pointee.state = UInt32(state)
    unsafe value.pointee.age_ms = age.map { $0 / 1_000_000 } ?? .max
    unsafe value.pointee.age_seconds = age.map { Double($0) * 1e-9 } ?? .infinity
    unsafe value.pointee.last_error = lastError
    unsafe value.pointee.pin = unsafe CachePins.mark(held)
}

private func code(_ result: Result<Void, CacheFailure>, _ handle: CacheHandle) -> Int32 {
    switch result {
    case .success:
        return SCHEDHOST_OK.code
    case .failure(let error):
        handle.note(error)
        return error.code
    }
}

private func count(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ cache: OpaquePointer?,
    _ counters: UnsafeMutablePointer<schedhost_cache_counters>?
) -> Int32 {
    guard let handle = unsafe handle(cache, of: scheduler), let counters = unsafe counters else {
        return SCHEDHOST_INVALID.code
    }
    let size = unsafe Int(counters.pointee.struct_size)
    guard size >= 16 else { return SCHEDHOST_INVALID.code }
    let counted = handle.cache.counters()
    var all = schedhost_cache_counters()
    all.struct_size = UInt32(size)
    all.hits = counted.hits
    all.loads = counted.loads
    all.load_failures = counted.loadFailures
    all.stale_served = counted.staleServed
    all.evictions = counted.evictions
    all.corrupt = counted.corrupt
    all.save_failures = counted.saveFailures
    all.bytes = counted.bytes
    all.load_time_us = counted.loadTime / 1000
    unsafe withUnsafeBytes(of: all) { bytes in
        let target = unsafe UnsafeMutableRawBufferPointer(start: counters, count: size)
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(size)))
    }
    return SCHEDHOST_OK.code
}

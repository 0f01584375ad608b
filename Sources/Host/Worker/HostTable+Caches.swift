internal import CPluginAPI
internal import HostCore
internal import HostSystem

/// The cache functions of the table.
extension HostTable {
    static func fillCaches(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.cache_memory = { scheduler, name, options, cache in
            unsafe open(scheduler, name, options, cache, isDisk: false)
        }
        unsafe table.pointee.cache = { scheduler, name, options, cache in
            unsafe open(scheduler, name, options, cache, isDisk: true)
        }
        unsafe table.pointee.cache_get = { _, cache, request, value in unsafe get(cache, request, value) }
        unsafe table.pointee.cache_peek = { _, cache, key, size, value in
            guard let handle = unsafe handle(cache), let value = unsafe checked(value), let key = unsafe bytes(key, size) else {
                return SCHEDHOST_INVALID.code
            }
            return unsafe fill(value, handle.cache.peek(key: key), handle)
        }
        unsafe table.pointee.cache_put = { _, cache, key, keySize, data, size in
            guard let handle = unsafe handle(cache), let key = unsafe bytes(key, keySize), unsafe data != nil || size == 0
            else { return SCHEDHOST_INVALID.code }
            return code(unsafe handle.cache.put(UnsafeRawBufferPointer(start: data, count: size), key: key))
        }
        unsafe table.pointee.cache_put_object = { _, cache, key, keySize, object, release, cost in
            guard let handle = unsafe handle(cache), handle.cache.options.objects,
                let key = unsafe bytes(key, keySize), let object = unsafe object
            else { return SCHEDHOST_INVALID.code }
            return code(
                unsafe handle.cache.put(
                    object: object, cost: cost, release: { object in unsafe release?(object) }, key: key))
        }
        unsafe table.pointee.cache_invalidate = { _, cache, key, keySize in
            guard let handle = unsafe handle(cache), let key = unsafe bytes(key, keySize) else {
                return SCHEDHOST_INVALID.code
            }
            return code(handle.cache.invalidate(key: key))
        }
        unsafe table.pointee.cache_pin = { _, value in
            guard let value = unsafe value, let held = unsafe value.pointee.pin else { return }
            _ = unsafe Unmanaged<CacheValue>.fromOpaque(held).retain()
            unsafe value.pointee.reserved &+= 1
        }
        unsafe table.pointee.cache_release = { _, value in
            guard let value = unsafe value, let held = unsafe value.pointee.pin, unsafe value.pointee.reserved > 0 else { return }
            unsafe value.pointee.reserved &-= 1
            unsafe Unmanaged<CacheValue>.fromOpaque(held).release()
        }
        unsafe table.pointee.cache_error = { _, cache in
            unsafe handle(cache)?.errorText?.pointer ?? noText.pointer
        }
        unsafe table.pointee.cache_counters = { _, cache, counters in unsafe count(cache, counters) }
    }
}

private let noText = CText("")

private func handle(_ cache: OpaquePointer?) -> CacheHandle? {
    guard let cache = unsafe cache else { return nil }
    return unsafe Unmanaged<CacheHandle>.fromOpaque(UnsafeRawPointer(cache)).takeUnretainedValue()
}

private func bytes(_ key: UnsafeRawPointer?, _ size: Int) -> [UInt8]? {
    if size == 0 { return [] }
    guard let key = unsafe key, size > 0, size <= 65_536 else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: key, count: size))
}

private func checked(_ value: UnsafeMutablePointer<schedhost_cache_value>?) -> UnsafeMutablePointer<schedhost_cache_value>? {
    guard let value = unsafe value, unsafe Int(value.pointee.struct_size) >= MemoryLayout<schedhost_cache_value>.size
    else { return nil }
    unsafe value.pointee.state = UInt32(SCHEDHOST_VALUE_NONE)
    unsafe value.pointee.pin = nil
    unsafe value.pointee.reserved = 0
    return unsafe value
}

private func open(
    _ scheduler: UnsafePointer<schedhost_scheduler>?, _ name: UnsafePointer<CChar>?,
    _ options: UnsafePointer<schedhost_cache_options>?, _ cache: UnsafeMutablePointer<OpaquePointer?>?, isDisk: Bool
) -> Int32 {
    guard let scheduler = unsafe scheduler, let name = unsafe text(name), let options = unsafe options,
        let cache = unsafe cache, unsafe options.pointee.struct_size >= 48
    else { return SCHEDHOST_INVALID.code }
    unsafe cache.pointee = nil
    let runner = unsafe scheduler.runner
    guard runner.index >= 0 else { return SCHEDHOST_NOT_HERE.code }
    let flags = unsafe options.pointee.flags
    if flags & ~UInt32(SCHEDHOST_CACHE_OBJECTS) != 0 { return SCHEDHOST_UNSUPPORTED.code }
    if unsafe options.pointee.expire_ms < 0 || options.pointee.refresh_after_ms < 0 { return SCHEDHOST_INVALID.code }
    var wanted = unsafe CacheOptions(
        expire: CacheTime.nanoseconds(milliseconds: unsafe options.pointee.expire_ms),
        refreshAfter: CacheTime.nanoseconds(milliseconds: unsafe options.pointee.refresh_after_ms),
        maxValueBytes: Int(clamping: unsafe options.pointee.max_value_bytes),
        objects: flags & UInt32(SCHEDHOST_CACHE_OBJECTS) != 0,
        codec: unsafe options.pointee.struct_size >= 52 ? options.pointee.codec : 0)
    if let source = unsafe options.pointee.source {
        let call = unsafe SourceCall(source: source, user: options.pointee.user, scheduler: scheduler)
        let objects = wanted.objects
        unsafe wanted.source = { key, writer in unsafe call.run(key, writer, holdsObjects: objects) }
    }
    let caches = runner.useCaches()
    switch isDisk ? caches.namespace.disk(name, wanted) : caches.namespace.memory(name, wanted) {
    case .success(let made):
        unsafe cache.pointee = unsafe caches.handle(made, cell: scheduler.cell).opaque
        return SCHEDHOST_OK.code
    case .failure(let error):
        return code(error)
    }
}

/// A plugin's source with what it is called with.
@safe private struct SourceCall: @unchecked Sendable {
    // @unchecked: pointers that the plugin answers for, and a scheduler that lives as long as the worker.
    let source: schedhost_source
    let user: UnsafeMutableRawPointer?
    let scheduler: UnsafePointer<schedhost_scheduler>

    func run(_ key: UnsafeRawBufferPointer, _ writer: CacheWriter, holdsObjects: Bool) -> CacheSourceFailure? {
        unsafe SourceRun.perform(
            source, user: user, key: key, writer: writer, holdsObjects: holdsObjects, scheduler: scheduler)
    }
}

/// A hit of the unkeyed value on the callback's thread is answered without a lock, a reference or an allocation.
private func get(
    _ cache: OpaquePointer?, _ request: UnsafePointer<schedhost_cache_request>?,
    _ value: UnsafeMutablePointer<schedhost_cache_value>?
) -> Int32 {
    guard let cache = unsafe cache, let value = unsafe checked(value) else { return SCHEDHOST_INVALID.code }
    var tolerance: Int64 = 0
    var isFresh = false
    var keySize = 0
    if let request = unsafe request {
        guard unsafe request.pointee.struct_size >= 32,
            let given = unsafe CacheTime.nanoseconds(seconds: request.pointee.tolerance_seconds)
        else { return SCHEDHOST_INVALID.code }
        tolerance = given
        isFresh = unsafe request.pointee.flags & UInt32(SCHEDHOST_GET_FRESH) != 0
        keySize = unsafe request.pointee.key_size
    }
    return unsafe Unmanaged<CacheHandle>.fromOpaque(UnsafeRawPointer(cache))._withUnsafeGuaranteedRef { handle in
        if !isFresh, keySize == 0, unsafe handle.cell.pointee.callbackThread == Thread.current,
            let hit = handle.cache.hit()
        {
            unsafe fill(value, SCHEDHOST_VALUE_HIT, hit.value, age: hit.age, lastError: hit.lastError)
            return SCHEDHOST_OK.code
        }
        return unsafe getWhole(handle, request, CacheRequest(fresh: isFresh, tolerance: tolerance), value)
    }
}

private func getWhole(
    _ handle: CacheHandle, _ request: UnsafePointer<schedhost_cache_request>?, _ wanted: CacheRequest,
    _ value: UnsafeMutablePointer<schedhost_cache_value>
) -> Int32 {
    let size = unsafe request?.pointee.key_size ?? 0
    guard let key = unsafe bytes(request?.pointee.key, size) else { return SCHEDHOST_INVALID.code }
    let scheduler = unsafe UnsafeRawPointer(handle.cell).assumingMemoryBound(to: schedhost_scheduler.self)
    let hasSource = unsafe request.map { unsafe $0.pointee.struct_size >= 40 && $0.pointee.source != nil } ?? false
    guard hasSource, let source = unsafe request?.pointee.source else {
        return unsafe fill(value, handle.cache.get(wanted, key: key), handle)
    }
    let user = unsafe request.map { unsafe $0.pointee.struct_size >= 48 ? $0.pointee.user : nil } ?? nil
    let call = unsafe SourceCall(source: source, user: user, scheduler: scheduler)
    let objects = handle.cache.options.objects
    return unsafe fill(
        value, handle.cache.get(wanted, key: key) { key, writer in unsafe call.run(key, writer, holdsObjects: objects) },
        handle)
}

/// Writes an answer of the whole way: kept alive until the callback returns, or pinned on another thread.
private func fill(
    _ value: UnsafeMutablePointer<schedhost_cache_value>, _ result: Result<CacheAnswer, CacheError>, _ handle: CacheHandle
) -> Int32 {
    let isCallback = unsafe handle.cell.pointee.callbackThread == Thread.current
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
        if isCallback {
            handle.namespace.park(answer.value)
        } else {
            _ = unsafe held.retain()
            unsafe value.pointee.reserved = 1
        }
        return SCHEDHOST_OK.code
    case .failure(let error):
        if isCallback {
            handle.errorText = CText(error.description)
            unsafe handle.cell.pointee.runner.session.cacheMessage = "cache \(handle.cache.name): \(error)"
        }
        return code(error)
    }
}

@inline(__always)
private func fill(
    _ value: UnsafeMutablePointer<schedhost_cache_value>, _ state: Int, _ held: Unmanaged<CacheValue>, age: Int64?,
    lastError: Int32
) {
    unsafe held._withUnsafeGuaranteedRef { held in
        unsafe value.pointee.data = held.bytes.baseAddress
        unsafe value.pointee.size = held.bytes.count
        unsafe value.pointee.object = held.object
        unsafe value.pointee.generation = held.generation
    }
    unsafe value.pointee.state = UInt32(state)
    unsafe value.pointee.age_seconds = age.map { Double($0) / 1e9 } ?? .infinity
    unsafe value.pointee.last_error = lastError
    unsafe value.pointee.pin = unsafe held.toOpaque()
}

private func code(_ result: Result<Void, CacheError>) -> Int32 {
    switch result {
    case .success: SCHEDHOST_OK.code
    case .failure(let error): code(error)
    }
}

private func code(_ error: CacheError) -> Int32 {
    switch error {
    case .sourceFailed: SCHEDHOST_SOURCE_FAILED.code
    case .reentrant: SCHEDHOST_REENTRANT.code
    case .notFound: SCHEDHOST_NOT_FOUND.code
    case .tooLarge: SCHEDHOST_TOO_LARGE.code
    case .invalid: SCHEDHOST_INVALID.code
    }
}

private func count(_ cache: OpaquePointer?, _ counters: UnsafeMutablePointer<schedhost_cache_counters>?) -> Int32 {
    guard let handle = unsafe handle(cache), let counters = unsafe counters else { return SCHEDHOST_INVALID.code }
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
        let length = min(size, bytes.count)
        unsafe UnsafeMutableRawPointer(counters).copyMemory(from: bytes.baseAddress!, byteCount: length)
    }
    return SCHEDHOST_OK.code
}

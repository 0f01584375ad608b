import CPluginAPI

/// One cache of the fake host: entries by key, hits and loads by the table of cache.h, without a limit.
@safe final class FakeCache {
    @safe struct Entry {
        var bytes: UnsafeMutableRawBufferPointer?
        var object: UnsafeMutableRawPointer?
        var release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
        var made: Double
        var generation: UInt64
        var lastError: Int32 = 0
    }

    let expire: Double
    let codec: UInt32
    let options: schedhost_cache_options
    var entries: [String: Entry] = [:]
    var generation: UInt64 = 0
    var loads = 0
    /// What the last request asked for, in ms.
    var lastTolerance: Int64 = 0
    /// Why values were set aside.
    var setAside: [String] = []
    var error = ""
    private var loading: Set<String> = []

    init(_ options: schedhost_cache_options) {
        unsafe self.options = unsafe options
        expire = unsafe options.expire_ms == .max ? .infinity : Double(options.expire_ms) / 1000
        codec = unsafe options.codec
    }

    static func of(_ handle: OpaquePointer?) -> FakeCache {
        unsafe Unmanaged<FakeCache>.fromOpaque(UnsafeMutableRawPointer(there(handle))).takeUnretainedValue()
    }

    /// Where a source writes to.
    @safe final class Writing {
        var bytes: [UInt8] = []
        var object: UnsafeMutableRawPointer?
        var release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
    }

    private func replace(_ key: String, _ entry: Entry) {
        drop(key)
        generation += 1
        var entry = entry
        entry.generation = generation
        entries[key] = entry
    }

    func put(_ key: String, bytes: [UInt8], now: Double) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        unsafe copy.copyBytes(from: bytes)
        unsafe replace(key, Entry(bytes: copy, made: now, generation: 0))
    }

    @discardableResult
    func drop(_ key: String) -> Bool {
        guard let old = entries.removeValue(forKey: key) else { return false }
        unsafe old.bytes?.deallocate()
        if let object = unsafe old.object { unsafe old.release?(object) }
        return true
    }

    private func answer(_ key: String, _ state: Int, now: Double, _ value: UnsafeMutablePointer<schedhost_cache_value>)
    {
        guard let entry = entries[key] else { return }
        unsafe value.pointee.state = UInt32(state)
        unsafe value.pointee.data = unsafe UnsafeRawPointer(entry.bytes?.baseAddress)
        unsafe value.pointee.size = unsafe entry.bytes?.count ?? 0
        unsafe value.pointee.object = unsafe entry.object
        unsafe value.pointee.age_ms = Int64((now - entry.made) * 1000)
        unsafe value.pointee.age_seconds = now - entry.made
        unsafe value.pointee.generation = entry.generation
        unsafe value.pointee.last_error = entry.lastError
    }

    /// Runs the source of a request.
    private func load(_ host: FakeHost, _ key: String, _ request: schedhost_cache_request) -> Int32 {
        if loading.contains(key) { return Int32(SCHEDHOST_REENTRANT) }
        loading.insert(key)
        defer { loading.remove(key) }
        let source = unsafe request.source ?? options.source
        let user = unsafe request.source == nil ? options.user : request.user
        guard let source = unsafe source else { return Int32(SCHEDHOST_SOURCE_FAILED) }
        let writing = Writing()
        var writer = unsafe schedhost_writer()
        unsafe writer.struct_size = unsafe UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe writer.host_data = unsafe Unmanaged.passUnretained(writing).toOpaque()
        unsafe writer.write = { writer, bytes, size in
            let writing = unsafe Unmanaged<Writing>.fromOpaque(there(writer).pointee.host_data).takeUnretainedValue()
            unsafe writing.bytes += UnsafeRawBufferPointer(start: bytes, count: size)
            return 0
        }
        unsafe writer.set_object = { writer, object, release, _ in
            let writing = unsafe Unmanaged<Writing>.fromOpaque(there(writer).pointee.host_data).takeUnretainedValue()
            unsafe writing.object = unsafe object
            unsafe writing.release = unsafe release
            return 0
        }
        loads += 1
        let code = unsafe Array(key.utf8).withUnsafeBytes {
            unsafe source(host.scheduler, $0.baseAddress, $0.count, &writer, user)
        }
        if code != 0 {
            error = host.failures.last ?? ""
            entries[key]?.lastError = code
            return code
        }
        if let object = unsafe writing.object {
            unsafe replace(key, Entry(object: object, release: writing.release, made: host.now, generation: 0))
        } else {
            put(key, bytes: writing.bytes, now: host.now)
        }
        return 0
    }

    private func get(
        _ host: FakeHost, _ request: schedhost_cache_request, _ value: UnsafeMutablePointer<schedhost_cache_value>
    ) -> Int32 {
        lastTolerance = unsafe request.tolerance_ms
        guard unsafe request.tolerance_ms >= 0 else { return Int32(SCHEDHOST_INVALID) }
        let tolerance = unsafe Double(request.tolerance_ms) / 1000
        let key = unsafe text(request.key, request.key_size)
        let fresh = unsafe request.flags & UInt32(SCHEDHOST_GET_FRESH) != 0
        let age = entries[key].map { host.now - $0.made }
        if let age, fresh ? age <= expire && tolerance > 0 && tolerance >= age : age <= expire {
            unsafe answer(key, SCHEDHOST_VALUE_HIT, now: host.now, value)
            return 0
        }
        let code = unsafe load(host, key, request)
        if code == 0 {
            unsafe answer(key, SCHEDHOST_VALUE_LOADED, now: host.now, value)
            return 0
        }
        if let age, age > expire, fresh ? tolerance >= age : age <= expire + tolerance {
            unsafe answer(key, SCHEDHOST_VALUE_STALE, now: host.now, value)
            return 0
        }
        if code == Int32(SCHEDHOST_REENTRANT), loading.contains(key) { return code }
        unsafe value.pointee.last_error = code
        return Int32(SCHEDHOST_SOURCE_FAILED)
    }

    private static func open(
        _ caches: ReferenceWritableKeyPath<FakeHost, [String: FakeCache]>,
        _ scheduler: UnsafePointer<schedhost_scheduler>?, _ name: UnsafePointer<CChar>?,
        _ options: UnsafePointer<schedhost_cache_options>?, _ handle: UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32 {
        let host = unsafe FakeHost.of(scheduler)
        let given = unsafe String(cString: there(name))
        // As in a host, texts of other bytes are other names; for a dictionary they would be the same if they are equivalent.
        let name = given.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
        let cache = unsafe host[keyPath: caches][name] ?? FakeCache(there(options).pointee)
        host[keyPath: caches][name] = cache
        unsafe there(handle).pointee = unsafe OpaquePointer(Unmanaged.passUnretained(cache).toOpaque())
        return 0
    }

    static func install(in table: inout schedhost_host) {
        unsafe table.cache_memory = { unsafe FakeCache.open(\.memoryCaches, $0, $1, $2, $3) }
        unsafe table.cache = { unsafe FakeCache.open(\.diskCaches, $0, $1, $2, $3) }
        unsafe table.cache_get = {
            let code = unsafe FakeCache.of($1).get(FakeHost.of($0), there($2).pointee, there($3))
            unsafe FakeHost.of($0).pin(there($3))
            return code
        }
        unsafe table.cache_peek = { scheduler, cache, key, size, value in
            let key = unsafe text(key, size)
            guard unsafe FakeCache.of(cache).entries[key] != nil else { return Int32(SCHEDHOST_NOT_FOUND) }
            unsafe FakeCache.of(cache).answer(key, SCHEDHOST_VALUE_HIT, now: FakeHost.of(scheduler).now, there(value))
            unsafe FakeHost.of(scheduler).pin(there(value))
            return 0
        }
        unsafe table.cache_put = { scheduler, cache, key, keySize, bytes, size in
            unsafe FakeCache.of(cache).put(
                text(key, keySize), bytes: Array(UnsafeRawBufferPointer(start: bytes, count: size)),
                now: FakeHost.of(scheduler).now)
            return 0
        }
        unsafe table.cache_put_object = { scheduler, cache, key, keySize, object, release, cost in
            if cost > 1 << 20 { return Int32(SCHEDHOST_TOO_LARGE) }  // the object is still the caller's
            unsafe FakeCache.of(cache).replace(
                text(key, keySize),
                Entry(object: object, release: release, made: FakeHost.of(scheduler).now, generation: 0))
            return 0
        }
        unsafe table.cache_invalidate = { _, cache, key, size in
            unsafe FakeCache.of(cache).drop(text(key, size)) ? 0 : Int32(SCHEDHOST_NOT_FOUND)
        }
        unsafe table.cache_set_aside = { _, cache, key, size, generation, reason in
            let cache = unsafe FakeCache.of(cache)
            let key = unsafe text(key, size)
            guard cache.entries[key]?.generation == generation else { return Int32(SCHEDHOST_NOT_FOUND) }
            cache.drop(key)
            cache.setAside.append(unsafe String(cString: there(reason)))
            return 0
        }
        unsafe table.cache_release = { scheduler, value in
            unsafe FakeHost.of(scheduler).releases += 1
            guard unsafe there(value).pointee.pin.0 == 1 else { return }
            unsafe FakeHost.of(scheduler).pins -= 1
        }
        unsafe table.cache_error = { unsafe immortalText(FakeCache.of($1).error) }
    }
}

extension FakeHost {
    /// As on a thread of the plugin's own: the answer comes pinned.
    func pin(_ value: UnsafeMutablePointer<schedhost_cache_value>) {
        guard isPinning, unsafe value.pointee.state != UInt32(SCHEDHOST_VALUE_NONE) else { return }
        unsafe value.pointee.pin.0 = 1
        pins += 1
    }
}

private func text(_ bytes: UnsafeRawPointer?, _ size: Int) -> String {
    unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
}

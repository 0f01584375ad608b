internal import CPluginAPI

/// An expensive result, kept on disk: like `CacheMemory`, and it survives the worker, the host and a power loss, and
/// comes back with its true age.
///
///     let symbols = Cache("symbols", expire: .seconds(600)) { try loadSymbols() }
///
///     Routine("lookup", wait: .seconds(10)) { scheduler in
///         let table = try symbols()                                   // read or made at most every 10 minutes
///         let new = try symbols(fresh: true, tolerance: .seconds(60))
///     }
///
/// Values are `Codable` and stored as JSON, bytes (`[UInt8]`) and texts (`String`) as they are, or by a `Codec` of
/// the author's. A value is decoded once: a hit returns what was decoded or loaded before. A stored value that its
/// codec refuses is loaded anew.
///
/// All members may be used on any thread. Without `in:` they take the routine whose closure runs on this thread.
public final class Cache<Value: Sendable>: Sendable {
    /// The name: unique among the disk caches of a routine.
    public let name: String
    private let expire: Duration?
    private let refreshAfter: Duration
    private let codec: Codec<Value>
    private let load: @Sendable (String) throws -> Value

    /// A cache of a value for each key, with a codec.
    ///
    /// - Parameters:
    ///   - name: unique among the disk caches of a routine.
    ///   - expire: the age up to which a value is served; zero loads each time, nil never expires.
    ///   - refreshAfter: the age from which a value is served and reloaded in the background; zero is never.
    ///   - codec: how values are stored.
    ///   - load: makes the value of a key. On the thread that asks, or, with `refreshAfter`, on one of the host's.
    public init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, codec: Codec<Value>,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        self.name = name
        self.expire = expire
        self.refreshAfter = refreshAfter
        self.codec = codec
        self.load = load
    }

    /// A cache of one value, with a codec.
    public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, codec: Codec<Value>,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, codec: codec) { _ in try load() }
    }

    /// The value, from memory, the disk or the source. The parameters are those of `CacheMemory`.
    ///
    /// Throws what the source or the codec threw; a `CacheError` when another caller's load failed, or the call is wrong.
    public func callAsFunction(
        key: String = "", fresh: Bool = false, tolerance: Duration = .zero, in scheduler: Scheduler? = nil
    ) throws -> Value {
        try answer(key: key, fresh: fresh, tolerance: tolerance, in: scheduler).value
    }

    /// The same with where the value came from, its age and more.
    public func answer(
        key: String = "", fresh: Bool = false, tolerance: Duration = .zero, in scheduler: Scheduler? = nil
    ) throws -> CacheAnswer<Value> {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).get(
            scheduler, .init(key: key, fresh: fresh, tolerance: tolerance), ownSource: refreshAfter > .zero,
            .keyed(load))
    }

    /// The value held, whatever its age, and never the source; nil if there is none, or none that the codec takes.
    public func peek(key: String = "", in scheduler: Scheduler? = nil) throws -> CacheAnswer<Value>? {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).peek(scheduler, key: key)
    }

    /// Replaces the value, aged 0. Nothing under a host that has no caches.
    public func put(_ value: Value, key: String = "", in scheduler: Scheduler? = nil) throws {
        let scheduler = try scheduler.orCurrent(for: name)
        try binding(scheduler).put(scheduler, value, key: key)
    }

    /// Drops the value, from the disk too; false when there was none.
    @discardableResult
    public func invalidate(key: String = "", in scheduler: Scheduler? = nil) throws -> Bool {
        let scheduler = try scheduler.orCurrent(for: name)
        let binding = try binding(scheduler)
        binding.forget(key: key)
        return try binding.invalidate(scheduler, key: key)
    }

    private func binding(_ scheduler: Scheduler) throws -> DiskBinding<Value> {
        let context = scheduler.context
        return unsafe try context.diskBinding(name, scheduler, expire: expire, codec: { codec }) { options in
            guard self.refreshAfter > .zero else { return }
            unsafe options.refresh_after_ms = self.refreshAfter.milliseconds
            unsafe options.source = unsafe BackgroundSource.function
            let source = unsafe BackgroundSource(context) { key, writer in
                unsafe try write(try self.codec.encode(try self.load(key)), to: writer, cache: self.name)
            }
            // Retained for as long as the host's cache lives: for ever.
            unsafe options.user = unsafe Unmanaged.passRetained(source).toOpaque()
        }
    }
}

extension Cache where Value: Codable {
    /// A cache of one value that is stored as JSON, or as it is when it is a text or bytes.
    public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, codec: .automatic) { _ in try load() }
    }

    /// A cache of a value for each key, stored likewise.
    public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, codec: .automatic, load: load)
    }
}

extension Scheduler {
    /// The value of a disk cache of this routine, declared where it is used, with a codec.
    ///
    /// The first call of a name fixes its expiry and codec. See `Cache` for what the parameters mean. Any thread.
    public func cache<Value: Sendable>(
        _ name: String, expire: Duration?, codec: @autoclosure () -> Codec<Value>, key: String = "",
        fresh: Bool = false, tolerance: Duration = .zero, load: @escaping () throws -> Value
    ) throws -> Value {
        unsafe try context.diskBinding(name, self, expire: expire, codec: codec) { _ in }
            .get(self, .init(key: key, fresh: fresh, tolerance: tolerance), ownSource: false, .plain(load)).value
    }

    /// The same with values that are `Codable`, stored as JSON, or as they are when they are texts or bytes.
    public func cache<Value: Sendable & Codable>(
        _ name: String, expire: Duration?, key: String = "", fresh: Bool = false, tolerance: Duration = .zero,
        load: @escaping () throws -> Value
    ) throws -> Value {
        try cache(
            name, expire: expire, codec: .automatic, key: key, fresh: fresh, tolerance: tolerance, load: load)
    }
}

private func write(_ bytes: [UInt8], to writer: UnsafeMutablePointer<schedhost_writer>, cache: String) throws {
    let code = unsafe bytes.withUnsafeBytes {
        unsafe writer.pointee.write?(writer, $0.baseAddress, $0.count) ?? Code.unsupported
    }
    if code != Code.ok { throw CacheError(cache, code: code, message: "") }
}

final class DiskBinding<Value: Sendable>: CacheBinding, @unchecked Sendable {
    // @unchecked: immutable but for `decoded`, which has its lock.
    private let codec: Codec<Value>
    private let decoded = Guarded(Decoded())

    /// A decoded value and the generation of its bytes.
    private struct Kept {
        let generation: UInt64
        let value: Value
    }

    private struct Decoded {
        var unkeyed: Kept?
        var keyed: [String: Kept] = [:]
    }

    /// How many decoded values of keys are kept; past that all are dropped, and decoded again on demand.
    private static var limit: Int { 256 }

    init(_ name: String, handle: OpaquePointer?, codec: Codec<Value>) {
        self.codec = codec
        unsafe super.init(.disk, name, type: ObjectIdentifier(Value.self), handle: handle)
    }

    func get(_ scheduler: Scheduler, _ request: Request, ownSource: Bool, _ loader: Loader<Value>)
        throws -> CacheAnswer<Value>
    {
        guard let handle = unsafe handle else { return CacheAnswer(uncached: try loader(request.key)) }
        var call = TypedCall(loader: loader, made: nil)
        let found = unsafe try get(scheduler, handle, request, ownSource: ownSource, &call)
        if let made = call.made {
            if unsafe Int(found.state) == SCHEDHOST_VALUE_LOADED {
                unsafe keep(made, found.generation, key: request.key)
                return unsafe CacheAnswer(made, found)
            }
        } else if let value = unsafe kept(found, key: request.key) {
            return unsafe CacheAnswer(value, found)
        }
        do {
            return unsafe CacheAnswer(try decode(found, key: request.key), found)
        } catch  where unsafe Int(found.state) == SCHEDHOST_VALUE_HIT {
            // Written by another version of the plugin: the source knows better.
            let anew = Request(key: request.key, fresh: true)
            let found = unsafe try get(scheduler, handle, anew, ownSource: ownSource, &call)
            return unsafe CacheAnswer(try call.made ?? decode(found, key: request.key), found)
        }
    }

    func peek(_ scheduler: Scheduler, key: String) throws -> CacheAnswer<Value>? {
        guard let handle = unsafe handle, let found = unsafe try peek(scheduler, handle, key: key) else { return nil }
        if let value = unsafe kept(found, key: key) { return unsafe CacheAnswer(value, found) }
        guard let value = unsafe try? decode(found, key: key) else { return nil }
        return unsafe CacheAnswer(value, found)
    }

    func put(_ scheduler: Scheduler, _ value: Value, key: String) throws {
        guard let handle = unsafe handle else { return }
        guard let put = unsafe scheduler.table.cache_put else { throw error(Code.unsupported) }
        let bytes = try codec.encode(value)
        let code = unsafe bytes.withUnsafeBytes { bytes in
            unsafe withKey(key) { unsafe put(scheduler.pointer, handle, $0, $1, bytes.baseAddress, bytes.count) }
        }
        if code != Code.ok { throw error(code) }
    }

    func forget(key: String) {
        decoded.withLock { decoded in
            if key.isEmpty { decoded.unkeyed = nil } else { decoded.keyed[key] = nil }
        }
    }

    override func produce(
        _ call: UnsafeMutableRawPointer, key: String, into writer: UnsafeMutablePointer<schedhost_writer>
    ) throws {
        let call = unsafe call.assumingMemoryBound(to: TypedCall<Value>.self)
        let value = unsafe try call.pointee.loader(key)
        unsafe try write(try codec.encode(value), to: writer, cache: name)
        unsafe call.pointee.made = value
    }

    private func kept(_ found: schedhost_cache_value, key: String) -> Value? {
        let kept = decoded.withLock { key.isEmpty ? $0.unkeyed : $0.keyed[key] }
        return unsafe kept?.generation == found.generation ? kept?.value : nil
    }

    private func keep(_ value: Value, _ generation: UInt64, key: String) {
        let new = Kept(generation: generation, value: value)
        decoded.withLock { decoded in
            if key.isEmpty {
                decoded.unkeyed = new
            } else {
                if decoded.keyed.count >= Self.limit { decoded.keyed.removeAll(keepingCapacity: true) }
                decoded.keyed[key] = new
            }
        }
    }

    private func decode(_ found: schedhost_cache_value, key: String) throws -> Value {
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: found.data, count: found.data == nil ? 0 : found.size))
        let value = try codec.decode(bytes)
        unsafe keep(value, found.generation, key: key)
        return value
    }
}

extension CallbackContext {
    func diskBinding<Value: Sendable>(
        _ name: String, _ scheduler: Scheduler, expire: Duration?, codec: () -> Codec<Value>,
        options: (inout schedhost_cache_options) -> Void
    ) throws -> DiskBinding<Value> {
        unsafe try binding(.disk, name, of: Value.self, scheduler) { given in
            unsafe given.expire_ms = expire.expiry
            unsafe given.codec = codec().identifier
            unsafe options(&given)
        } make: {
            unsafe DiskBinding(name, handle: $0, codec: codec())
        }
    }
}

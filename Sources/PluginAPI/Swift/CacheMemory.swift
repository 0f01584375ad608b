internal import CPluginAPI

/// An expensive result, kept in memory: fetched once, reused many times, refreshed on demand or after expiry.
///
///     let prices = CacheMemory("prices", expire: .seconds(30)) { try fetchPrices() }
///
///     Routine("report", wait: .seconds(5)) { scheduler in
///         let now = try prices()                                     // at most 30 s old
///         let new = try prices(fresh: true)                          // from the source
///         let good = try prices(fresh: true, tolerance: .seconds(2)) // at most 2 s old
///     }
///
/// Declared once; each routine that uses it has values of its own. A hit returns the same object each time, without
/// encoding and without an allocation. Values live as long as the worker. Concurrent callers share one load, and when
/// the source fails a value that is at most `tolerance` past its expiry is served instead. Under a host that has no
/// caches every call loads.
///
/// All members may be used on any thread. Without `in:` they take the routine whose closure runs on this thread.
public final class CacheMemory<Value: Sendable>: Sendable {
    /// The name: unique among the memory caches of a routine.
    public let name: String
    private let expire: Duration?
    private let refreshAfter: Duration
    private let cost: (@Sendable (Value) -> Int)?
    private let load: @Sendable (String) throws -> Value

    /// A cache of one value.
    ///
    /// - Parameters:
    ///   - name: unique among the memory caches of a routine.
    ///   - expire: the age up to which a value is served; zero loads each time, nil never expires.
    ///   - refreshAfter: the age from which a value is served and reloaded in the background; zero is never.
    ///   - cost: the bytes that a value counts for in the host's memory bound; by default its size without what it
    ///     refers to.
    ///   - load: makes the value. On the thread that asks, or, with `refreshAfter`, on one of the host's.
    public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, cost: cost) { _ in try load() }
    }

    /// A cache of a value for each key; otherwise like the other initialiser.
    public init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        self.name = name
        self.expire = expire
        self.refreshAfter = refreshAfter
        self.cost = cost
        self.load = load
    }

    /// The value, from the cache or the source.
    ///
    /// Throws what the source threw; a `CacheError` when another caller's load failed, or the call is wrong.
    ///
    /// - Parameters:
    ///   - key: up to 64 KiB; the empty one is the unkeyed value.
    ///   - fresh: ask the source, unless the value is younger than the tolerance.
    ///   - tolerance: the age that does for a fresh value; without `fresh`, how far past its expiry a value may be
    ///     when the source fails. Not negative.
    ///   - scheduler: the routine; without it, the one whose closure runs on this thread.
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

    /// The value held, whatever its age, and never the source; nil if there is none.
    public func peek(key: String = "", in scheduler: Scheduler? = nil) throws -> CacheAnswer<Value>? {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).peek(scheduler, key: key)
    }

    /// Replaces the value, aged 0. Nothing under a host that has no caches.
    public func put(_ value: Value, key: String = "", in scheduler: Scheduler? = nil) throws {
        let scheduler = try scheduler.orCurrent(for: name)
        try binding(scheduler).put(scheduler, value, key: key)
    }

    /// Drops the value; false when there was none.
    @discardableResult
    public func invalidate(key: String = "", in scheduler: Scheduler? = nil) throws -> Bool {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).invalidate(scheduler, key: key)
    }

    private func binding(_ scheduler: Scheduler) throws -> MemoryBinding<Value> {
        let context = scheduler.context
        return unsafe try context.memoryBinding(name, scheduler, expire: expire, cost: cost) { options in
            guard self.refreshAfter > .zero else { return }
            unsafe options.refresh_after_ms = self.refreshAfter.milliseconds
            unsafe options.source = unsafe BackgroundSource.function
            let source = unsafe BackgroundSource(context) { key, writer in
                unsafe try MemoryBinding.give(try self.load(key), cost: self.cost, to: writer, cache: self.name)
            }
            // Retained for as long as the host's cache lives: for ever.
            unsafe options.user = unsafe Unmanaged.passRetained(source).toOpaque()
        }
    }
}

extension Scheduler {
    /// The value of a memory cache of this routine, declared where it is used.
    ///
    ///     let snapshot = try scheduler.cacheMemory("snapshot", expire: .seconds(30)) { try fetch() }
    ///
    /// The first call of a name fixes its expiry. See `CacheMemory` for what the parameters mean. A closure that
    /// captures something costs an allocation also on a hit; a `CacheMemory` declared outside does not. Any thread.
    public func cacheMemory<Value: Sendable>(
        _ name: String, expire: Duration?, key: String = "", fresh: Bool = false, tolerance: Duration = .zero,
        load: @escaping () throws -> Value
    ) throws -> Value {
        unsafe try context.memoryBinding(name, self, expire: expire, cost: nil) { _ in }
            .get(self, .init(key: key, fresh: fresh, tolerance: tolerance), ownSource: false, .plain(load)).value
    }
}

/// What a host keeps for a value of a memory cache: an object, with the type that it holds.
class ValueBox {
    let type: ObjectIdentifier

    init(type: ObjectIdentifier) { self.type = type }
}

final class TypedBox<Value>: ValueBox {
    let value: Value

    init(_ value: Value) {
        self.value = value
        super.init(type: ObjectIdentifier(Value.self))
    }
}

private let releaseBox: @convention(c) (UnsafeMutableRawPointer?) -> Void = { object in
    if let object = unsafe object { unsafe Unmanaged<ValueBox>.fromOpaque(object).release() }
}

final class MemoryBinding<Value: Sendable>: CacheBinding, @unchecked Sendable {
    // @unchecked: immutable.
    private let cost: (@Sendable (Value) -> Int)?

    init(_ name: String, handle: OpaquePointer?, cost: (@Sendable (Value) -> Int)?) {
        self.cost = cost
        unsafe super.init(.memory, name, type: ObjectIdentifier(Value.self), handle: handle)
    }

    func get(_ scheduler: Scheduler, _ request: Request, ownSource: Bool, _ loader: Loader<Value>)
        throws -> CacheAnswer<Value>
    {
        guard let handle = unsafe handle else { return CacheAnswer(uncached: try loader(request.key)) }
        var call = TypedCall(loader: loader, made: nil)
        let found = unsafe try get(scheduler, handle, request, ownSource: ownSource, &call)
        return unsafe CacheAnswer(try value(found), found)
    }

    func peek(_ scheduler: Scheduler, key: String) throws -> CacheAnswer<Value>? {
        guard let handle = unsafe handle, let found = unsafe try peek(scheduler, handle, key: key) else { return nil }
        return unsafe CacheAnswer(try value(found), found)
    }

    func put(_ scheduler: Scheduler, _ value: Value, key: String) throws {
        guard let handle = unsafe handle else { return }
        guard let put = unsafe scheduler.table.cache_put_object else { throw error(Code.unsupported) }
        let object = unsafe Unmanaged<ValueBox>.passRetained(TypedBox(value))
        let bytes = Self.bytes(value, cost)
        let code = unsafe withKey(key) {
            unsafe put(scheduler.pointer, handle, $0, $1, object.toOpaque(), releaseBox, bytes)
        }
        if code != Code.ok {
            unsafe object.release()
            throw error(code)
        }
    }

    override func produce(
        _ call: UnsafeMutableRawPointer, key: String, into writer: UnsafeMutablePointer<schedhost_writer>
    ) throws {
        let loader = unsafe call.assumingMemoryBound(to: TypedCall<Value>.self).pointee.loader
        unsafe try Self.give(try loader(key), cost: cost, to: writer, cache: name)
    }

    static func give(
        _ value: Value, cost: (@Sendable (Value) -> Int)?, to writer: UnsafeMutablePointer<schedhost_writer>,
        cache: String
    ) throws {
        let object = unsafe Unmanaged<ValueBox>.passRetained(TypedBox(value))
        let code =
            unsafe writer.pointee.set_object?(writer, object.toOpaque(), releaseBox, bytes(value, cost))
            ?? Code.unsupported
        if code != Code.ok {
            unsafe object.release()
            throw CacheError(cache, code: code, message: "")
        }
    }

    private static func bytes(_ value: Value, _ cost: (@Sendable (Value) -> Int)?) -> Int {
        if let cost { return max(0, cost(value)) }
        return MemoryLayout<Value>.size + 32  // and the box around it
    }

    private func value(_ found: schedhost_cache_value) throws -> Value {
        guard let object = unsafe found.object else { throw error(Code.invalid, "the host answers without an object") }
        let box = unsafe Unmanaged<ValueBox>.fromOpaque(object).takeUnretainedValue()
        guard box.type == type else { throw error(Code.invalid, "it holds a value of another type than \(Value.self)") }
        return unsafe unsafeDowncast(box, to: TypedBox<Value>.self).value
    }
}

extension CallbackContext {
    func memoryBinding<Value: Sendable>(
        _ name: String, _ scheduler: Scheduler, expire: Duration?, cost: (@Sendable (Value) -> Int)?,
        options: (inout schedhost_cache_options) -> Void
    ) throws -> MemoryBinding<Value> {
        unsafe try binding(.memory, name, of: Value.self, scheduler) { given in
            unsafe given.flags = UInt32(SCHEDHOST_CACHE_OBJECTS)
            unsafe given.expire_ms = expire.expiry
            unsafe options(&given)
        } make: {
            unsafe MemoryBinding(name, handle: $0, cost: cost)
        }
    }
}

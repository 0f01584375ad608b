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
/// Declared once; each routine that uses it has values of its own, or, with `scope: .plugin`, all share them. A hit returns the same object each time, without
/// encoding and without an allocation. Values live as long as the worker. Concurrent callers share one load, and when
/// the source fails a value that is at most `tolerance` past its expiry is served instead. Under a host that has no
/// caches every call loads.
///
/// All members may be used on any thread. Without `in:` they take the routine whose closure runs on this thread.
public final class CacheMemory<Value: Sendable>: DeclaredCache {
    /// As `DeclaredCache` says.
    public let declaration: CacheDeclaration

    /// A cache of one value.
    ///
    /// - Parameters:
    ///   - name: unique among the memory caches of a routine: of several declarations with one name the first one that is used
    ///     holds, and the log says so where another one differs. Without a NUL.
    ///   - expire: the age up to which a value is served; zero loads each time, nil never expires. A negative one makes each
    ///     call throw, as a negative `refreshAfter` does.
    ///   - refreshAfter: the age from which a value is served and reloaded in the background; zero is never.
    ///   - scope: whether each routine has values of its own, or all routines of the plugin share them.
    ///   - cost: the bytes that a value counts for in the host's memory bound; by default its size without what it
    ///     refers to.
    ///   - load: makes the value. On the thread that asks, or, with `refreshAfter`, on one of the host's.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, scope: scope, cost: cost) { _ in try load() }
    }

    /// A cache of a value for each key; otherwise like the other initialiser.
    @preconcurrency public init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        declaration = CacheDeclaration(
            .memory { box in cost?(box.value(as: Value.self)) ?? defaultCost(Value.self) }, name, scope, expire: expire,
            refreshAfter: refreshAfter, type: ObjectIdentifier(Value.self)
        ) { key in TypedBox(try load(key)) }
    }

    /// A cache of one value, whose source is `async`: the thread that asks waits for it. When the host asks to stop, it is
    /// cancelled.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable () async throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, scope: scope, cost: cost) {
            (_: String) throws -> Value in
            try AsyncSource.run(load)
        }
    }

    /// The same with a value for each key.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        cost: (@Sendable (Value) -> Int)? = nil,
        load: @escaping @Sendable (String) async throws -> Value
    ) {
        self.init(name, expire: expire, refreshAfter: refreshAfter, scope: scope, cost: cost) {
            (key: String) throws -> Value in
            try AsyncSource.run { try await load(key) }
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
    @inlinable
    public func cacheMemory<Value: Sendable>(
        _ name: String, expire: Duration?, scope: CacheScope = .routine, key: String = "", fresh: Bool = false,
        tolerance: Duration = .zero,
        load: @escaping () throws -> Value
    ) throws -> Value {
        let type = ObjectIdentifier(Value.self)
        let known = unsafe try withUnsafePointer(to: load) { load in
            unsafe try hit(name, scope, type: type, key, fresh, tolerance, load) { load in
                TypedBox(try unsafe load.assumingMemoryBound(to: (() throws -> Value).self).pointee())
            }
        }
        if let box = unsafe known { return unsafe box._withUnsafeGuaranteedRef { $0.value(as: Value.self) } }
        return try box(
            .memory, name, scope, type: type, expire: expire,
            CacheRequest(key: key, fresh: fresh, tolerance: tolerance),
            storage: .memory { _ in defaultCost(Value.self) }
        ) { TypedBox(try load()) }
        .value(as: Value.self)
    }
}

/// What a value counts for without a `cost`: its own bytes and the box around it.
@usableFromInline
func defaultCost<Value>(_ type: Value.Type) -> Int { MemoryLayout<Value>.size + 32 }

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
/// codec refuses, as after a change of its type, is set aside (`NAME.shc.other`), told in the log, and loaded anew.
///
/// All members may be used on any thread. Without `in:` they take the routine whose closure runs on this thread.
public final class Cache<Value: Sendable>: DeclaredCache {
    /// As `DeclaredCache` says.
    public let declaration: CacheDeclaration

    /// A cache of a value for each key, with a codec.
    ///
    /// - Parameters:
    ///   - name: unique among the disk caches of a routine: of several declarations with one name the first one that is used
    ///     holds, and the log says so where another one differs. Without a NUL.
    ///   - expire: the age up to which a value is served; zero loads each time, nil never expires. A negative one makes each
    ///     call throw, as a negative `refreshAfter` does.
    ///   - refreshAfter: the age from which a value is served and reloaded in the background; zero is never.
    ///   - scope: whether each routine has values of its own, or all routines of the plugin share them.
    ///   - shared: whether a value means the same on every host of a cluster, so that one host loads it for all. Nothing
    ///     changes where a host is alone.
    ///   - path: the folder for the cache's files, in place of the host's own one; made if it is missing. Within the plugin's
    ///     data folder (`$SCHEDHOST_DATA`), or, if it begins with `/`, one where the plugin's sandbox lets it write. A value
    ///     is in `PATH/PLUGIN/ROUTINE/NAME.shc`. A host of ABI 1.0 uses its own folder.
    ///   - codec: how values are stored.
    ///   - load: makes the value of a key. On the thread that asks, or, with `refreshAfter`, on one of the host's.
    @preconcurrency public init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil, codec: Codec<Value>,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        declaration = CacheDeclaration(
            .disk(BoxCodec(codec), isShared: shared, path: path), name, scope, expire: expire,
            refreshAfter: refreshAfter,
            type: ObjectIdentifier(Value.self)
        ) { key in TypedBox(try load(key)) }
    }

    /// A cache of one value, with a codec.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil, codec: Codec<Value>,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path, codec: codec
        ) { _ in
            try load()
        }
    }

    /// A cache of a value for each key, with a codec, whose source is `async`: the thread that asks waits for it. When the host
    /// asks to stop, it is cancelled.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil, codec: Codec<Value>,
        load: @escaping @Sendable (String) async throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path, codec: codec
        ) {
            (key: String) throws -> Value in
            try AsyncSource.run { try await load(key) }
        }
    }

    /// The same with one value.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil, codec: Codec<Value>,
        load: @escaping @Sendable () async throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path, codec: codec
        ) {
            (_: String) throws -> Value in
            try AsyncSource.run(load)
        }
    }
}

extension Cache where Value: Codable {
    /// A cache of one value that is stored as JSON, or as it is when it is a text or bytes.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil,
        load: @escaping @Sendable () throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path,
            codec: .automatic
        ) {
            _ in try load()
        }
    }

    /// A cache of a value for each key, stored likewise.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil,
        load: @escaping @Sendable (String) throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path,
            codec: .automatic,
            load: load)
    }

    /// A cache of one value, whose source is `async`.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil,
        load: @escaping @Sendable () async throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path,
            codec: .automatic,
            load: load)
    }

    /// A cache of a value for each key, whose source is `async`.
    @preconcurrency public convenience init(
        _ name: String, expire: Duration?, refreshAfter: Duration = .zero, scope: CacheScope = .routine,
        shared: Bool = false, path: String? = nil,
        load: @escaping @Sendable (String) async throws -> Value
    ) {
        self.init(
            name, expire: expire, refreshAfter: refreshAfter, scope: scope, shared: shared, path: path,
            codec: .automatic,
            load: load)
    }
}

extension Scheduler {
    /// The value of a disk cache of this routine, declared where it is used, with a codec.
    ///
    /// The first call of a name fixes its expiry, path and codec. See `Cache` for what the parameters mean. Any thread.
    @inlinable
    public func cache<Value: Sendable>(
        _ name: String, expire: Duration?, scope: CacheScope = .routine, shared: Bool = false,
        path: String? = nil, codec: @autoclosure () -> Codec<Value>,
        key: String = "",
        fresh: Bool = false, tolerance: Duration = .zero, load: @escaping () throws -> Value
    ) throws -> Value {
        try box(
            .disk, name, scope, type: ObjectIdentifier(Value.self), expire: expire,
            CacheRequest(key: key, fresh: fresh, tolerance: tolerance),
            storage: .disk(BoxCodec(codec()), isShared: shared, path: path)
        ) { TypedBox(try load()) }
        .value(as: Value.self)
    }

    /// The same with values that are `Codable`, stored as JSON, or as they are when they are texts or bytes.
    @inlinable
    public func cache<Value: Sendable & Codable>(
        _ name: String, expire: Duration?, scope: CacheScope = .routine, shared: Bool = false,
        path: String? = nil, key: String = "", fresh: Bool = false,
        tolerance: Duration = .zero,
        load: @escaping () throws -> Value
    ) throws -> Value {
        try cache(
            name, expire: expire, scope: scope, shared: shared, path: path, codec: .automatic, key: key, fresh: fresh,
            tolerance: tolerance,
            load: load)
    }
}

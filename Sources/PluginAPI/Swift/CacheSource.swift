internal import CPluginAPI

/// One call of a cache: what the host hands back to the source. On the caller's stack, so that a hit allocates nothing.
@safe struct SourceCall {
    // Bindings and contexts are immortal: unretained, since counting references would be half of a hit's time.
    private let unretainedBinding: Unmanaged<CacheBinding>
    private let unretainedContext: Unmanaged<CallbackContext>
    let loader: Loader
    /// What the loader made or threw, if it ran on this thread.
    var made: ValueBox?
    var thrown: (any Error)?

    init(binding: CacheBinding, context: CallbackContext, loader: Loader) {
        unsafe unretainedBinding = unsafe .passUnretained(binding)
        unsafe unretainedContext = unsafe .passUnretained(context)
        self.loader = loader
    }

    var binding: CacheBinding { unsafe unretainedBinding.takeUnretainedValue() }
    var context: CallbackContext { unsafe unretainedContext.takeUnretainedValue() }

    /// Makes the value of a key.
    func load(_ key: String) throws -> ValueBox {
        guard let replaced = try Rehearsal.source(of: loader.declaration, binding.name) else { return try loader(key) }
        return try binding.checked(replaced(key))
    }
}

/// The source of one request: runs on the thread that asks, while it waits in `cache_get`.
let requestSource: schedhost_source = { scheduler, key, keySize, writer, user in
    guard let scheduler = unsafe scheduler, let writer = unsafe writer, let user = unsafe user else {
        return Code.invalid
    }
    let call = unsafe user.assumingMemoryBound(to: SourceCall.self)
    let context = unsafe call.pointee.context
    let making = unsafe CurrentScheduler.Making(binding: call.pointee.binding, key: text(key, keySize))
    return unsafe CurrentScheduler.set(Scheduler(context: context, pointer: scheduler), making: making) {
        do {
            let box = unsafe try call.pointee.load(making.key)
            unsafe try making.binding.storage.write(box, to: writer, cache: making.binding.name)
            unsafe call.pointee.made = box
            return Code.ok
        } catch {
            unsafe call.pointee.thrown = error
            making.binding.thrown.keep(error, making.key)
            return unsafe context.fail(scheduler, error)
        }
    }
}

/// The source of a cache that reloads ahead of expiry, possibly on a thread of the host's. Immortal.
@safe final class BackgroundSource: Sendable {
    private let context: CallbackContext
    private let storage: CacheStorage
    private let name: String
    private let scope: CacheScope
    private let own: @Sendable (String) throws -> ValueBox
    private let declaration: ObjectIdentifier
    /// The age from which the host reloads.
    let after: Duration

    init(
        _ context: CallbackContext, _ cache: CacheDeclaration, after: Duration,
        _ load: @escaping @Sendable (String) throws -> ValueBox
    ) {
        self.context = context
        storage = cache.storage
        name = cache.name
        scope = cache.scope
        declaration = ObjectIdentifier(cache)
        self.after = after
        own = load
    }

    private func load(_ key: String) throws -> ValueBox {
        guard let replaced = try Rehearsal.source(of: declaration, name) else { return try own(key) }
        let box = try replaced(key)
        return try context.binding(storage.kind, name, scope)?.checked(box) ?? box
    }

    static let function: schedhost_source = { scheduler, key, keySize, writer, user in
        guard let scheduler = unsafe scheduler, let writer = unsafe writer, let user = unsafe user else {
            return Code.invalid
        }
        let source = unsafe Unmanaged<BackgroundSource>.fromOpaque(user).takeUnretainedValue()
        // A cache of the plugin is loaded on behalf of the routine that asks.
        let context = unsafe source.context.shared.context(of: scheduler) ?? source.context
        let own = unsafe Scheduler(context: context, pointer: scheduler)
        let key = unsafe text(key, keySize)
        let binding = context.binding(source.storage.kind, source.name, source.scope)
        func make() -> Int32 {
            do {
                unsafe try source.storage.write(try source.load(key), to: writer, cache: source.name)
                return Code.ok
            } catch {
                binding?.thrown.keep(error, key)
                return unsafe context.fail(scheduler, error)
            }
        }
        guard let binding else { return CurrentScheduler.set(own, isSource: true, make) }
        return CurrentScheduler.set(own, making: CurrentScheduler.Making(binding: binding, key: key), make)
    }
}

private func text(_ bytes: UnsafeRawPointer?, _ size: Int) -> String {
    guard let bytes = unsafe bytes, size > 0 else { return "" }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
}

extension CallbackContext {
    private func caches(of scope: CacheScope) -> Guarded<[CacheBinding]> {
        switch scope {
        case .routine: caches
        case .plugin: shared.open
        }
    }

    /// The cache of that kind and name, if it is open.
    func binding(_ kind: CacheStorage.Kind, _ name: String, _ scope: CacheScope) -> CacheBinding? {
        caches(of: scope).withLock { caches in
            for cache in caches where cache.isInPlace(kind, name, scope) { return cache }
            return nil
        }
    }

    /// What is wrong with a declaration that the host would not see: C would take a part of a text for the whole, and so one
    /// cache for another.
    private static func fault(_ name: String, _ storage: CacheStorage, expire: Duration?) -> String? {
        if name.hasNUL { return "its name has a NUL" }
        if case .disk(_, _, let path?) = storage, path.hasNUL { return "its path has a NUL" }
        return expire ?? .zero < .zero ? "its expiry is negative: zero loads each time, nil never expires" : nil
    }

    /// Opens it.
    func open(
        _ storage: CacheStorage, _ name: String, _ scope: CacheScope, type: ObjectIdentifier, _ scheduler: Scheduler,
        expire: Duration?, background: BackgroundSource?
    ) throws -> CacheBinding {
        if let fault = Self.fault(name, storage, expire: expire) {
            throw CacheError(name, code: Code.invalid, message: fault)
        }
        var options = unsafe schedhost_cache_options()
        unsafe options.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_options>.size)
        unsafe options.expire_ms = expire?.milliseconds ?? .max
        var given: String?
        let open:
            (
                (
                    UnsafePointer<schedhost_scheduler>?, UnsafePointer<CChar>?, UnsafePointer<schedhost_cache_options>?,
                    UnsafeMutablePointer<OpaquePointer?>?
                ) -> Int32
            )?
        switch storage {
        case .memory:
            unsafe options.flags = UInt32(SCHEDHOST_CACHE_OBJECTS)
            unsafe open = unsafe table.cache_memory
        case .disk(let codec, let isShared, let path):
            given = path
            // A host of minor 0 refuses what it does not know; there the cache is the host's own.
            if isShared, unsafe table.abi_minor >= 1 { unsafe options.flags = UInt32(SCHEDHOST_CACHE_SHARED) }
            unsafe options.codec = codec.identifier
            unsafe open = unsafe table.cache
        }
        if scope == .plugin { unsafe options.flags |= UInt32(SCHEDHOST_CACHE_PLUGIN) }
        if let background {
            unsafe options.refresh_after_ms = background.after.milliseconds
            unsafe options.source = unsafe BackgroundSource.function
            // Retained for as long as the host's cache lives: for ever.
            unsafe options.user = unsafe Unmanaged.passRetained(background).toOpaque()
        }
        var handle: OpaquePointer?
        if let open = unsafe open {
            let code = unsafe name.withCString { name in
                guard let given else { return unsafe open(scheduler.pointer, name, &options, &handle) }
                return unsafe given.withCString { path in
                    unsafe options.path = unsafe path
                    return unsafe open(scheduler.pointer, name, &options, &handle)
                }
            }
            if code == Code.unsupported, scope == .plugin {
                throw CacheError(
                    name, code: code, message: "this host is too old for caches that routines share: they need ABI 1.1")
            }
            if code != Code.ok && code != Code.unsupported {
                throw CacheError(
                    name, code: code,
                    message: given.map { "if it is for its path \($0), the log says why" } ?? "")
            }
        }
        let new = unsafe CacheBinding(storage, name, scope, expire: expire, type: type, handle: handle, context: self)
        let winner = caches(of: scope).withLock { caches in
            // Another thread may have been faster.
            if let known = caches.first(where: { $0.isInPlace(new.kind, name, scope) }) { return known }
            caches.append(new)
            // For ever, as its handle: declarations remember it without a reference.
            _ = unsafe Unmanaged.passRetained(new)
            return new
        }
        return try winner.checked(type)
    }
}

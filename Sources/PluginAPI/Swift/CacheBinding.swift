internal import CPluginAPI

/// One cache of one routine, as the host opened it. Lives as long as the host's handle: for ever.
///
/// A subclass knows the type of the values.
@safe class CacheBinding: @unchecked Sendable {
    // @unchecked: immutable here; subclasses say how they guard what they add.

    enum Kind {
        case memory, disk
    }

    let kind: Kind
    let name: String
    /// The type of its values, by which a cache of the same name and another type is found out.
    let type: ObjectIdentifier
    /// nil when the host has no caches: then every call loads.
    let handle: OpaquePointer?

    init(_ kind: Kind, _ name: String, type: ObjectIdentifier, handle: OpaquePointer?) {
        self.kind = kind
        self.name = name
        self.type = type
        unsafe self.handle = unsafe handle
    }

    /// Makes the value of a key with the loader in `call`, a `TypedCall` of this cache's type, and gives it to the host.
    func produce(_ call: UnsafeMutableRawPointer, key: String, into writer: UnsafeMutablePointer<schedhost_writer>)
        throws
    {}

    func error(_ code: Int32, _ message: String = "") -> CacheError { CacheError(name, code: code, message: message) }
}

/// How a value is made: without a key, or from one.
enum Loader<Value> {
    case plain(() throws -> Value)
    case keyed((String) throws -> Value)

    func callAsFunction(_ key: String) throws -> Value {
        switch self {
        case .plain(let load): try load()
        case .keyed(let load): try load(key)
        }
    }
}

/// One call's loader, and what it made. On the caller's stack, so that a hit allocates nothing.
struct TypedCall<Value> {
    let loader: Loader<Value>
    var made: Value?
}

/// The part of a call that does not depend on the value's type: what the host hands back to the source.
@safe private struct SourceCall {
    let binding: Unmanaged<CacheBinding>
    let context: Unmanaged<CallbackContext>
    let typed: UnsafeMutableRawPointer
    var thrown: (any Error)?
}

/// The source of one request: runs on the thread that asks, while it waits in `cache_get`.
private let requestSource: schedhost_source = { scheduler, key, keySize, writer, user in
    guard let scheduler = unsafe scheduler, let writer = unsafe writer, let user = unsafe user else {
        return Code.invalid
    }
    let call = unsafe user.assumingMemoryBound(to: SourceCall.self)
    let context = unsafe call.pointee.context.takeUnretainedValue()
    return unsafe CurrentScheduler.set(Scheduler(context: context, pointer: scheduler)) {
        do {
            unsafe try call.pointee.binding.takeUnretainedValue()
                .produce(call.pointee.typed, key: text(key, keySize), into: writer)
            return Code.ok
        } catch {
            unsafe call.pointee.thrown = error
            return unsafe context.fail(scheduler, error)
        }
    }
}

/// The source of a cache that reloads ahead of expiry, possibly on a thread of the host's. Immortal.
@safe final class BackgroundSource: Sendable {
    private let context: CallbackContext
    private let produce: @Sendable (String, UnsafeMutablePointer<schedhost_writer>) throws -> Void

    init(
        _ context: CallbackContext,
        _ produce: @escaping @Sendable (String, UnsafeMutablePointer<schedhost_writer>) throws -> Void
    ) {
        self.context = context
        unsafe self.produce = unsafe produce
    }

    static let function: schedhost_source = { scheduler, key, keySize, writer, user in
        guard let scheduler = unsafe scheduler, let writer = unsafe writer, let user = unsafe user else {
            return Code.invalid
        }
        let source = unsafe Unmanaged<BackgroundSource>.fromOpaque(user).takeUnretainedValue()
        return unsafe CurrentScheduler.set(Scheduler(context: source.context, pointer: scheduler)) {
            do {
                unsafe try source.produce(text(key, keySize), writer)
                return Code.ok
            } catch {
                return unsafe source.context.fail(scheduler, error)
            }
        }
    }
}

private func text(_ bytes: UnsafeRawPointer?, _ size: Int) -> String {
    guard let bytes = unsafe bytes, size > 0 else { return "" }
    return unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: size), as: UTF8.self)
}

/// A key as the host takes it; the empty one is the unkeyed value.
func withKey<Result>(_ key: String, _ body: (UnsafeRawPointer?, Int) throws -> Result) rethrows -> Result {
    if key.isEmpty { return try body(nil, 0) }
    var key = key
    return try key.withUTF8 { unsafe try body($0.baseAddress, $0.count) }
}

extension CacheBinding {
    /// What a call asks for.
    struct Request {
        var key = ""
        var fresh = false
        var tolerance = Duration.zero
    }

    /// Asks the host for a value. Throws what this call's source threw, else the host's reason.
    ///
    /// With `ownSource` the cache's own source loads, which a reload ahead of expiry needs; then `made` stays nil.
    func get<Value>(
        _ scheduler: Scheduler, _ handle: OpaquePointer, _ request: Request, ownSource: Bool,
        _ typed: inout TypedCall<Value>
    ) throws -> schedhost_cache_value {
        guard let get = unsafe scheduler.table.cache_get else { throw error(Code.unsupported) }
        return unsafe try withUnsafeMutablePointer(to: &typed) { typed in
            var call = unsafe SourceCall(
                binding: .passUnretained(self), context: .passUnretained(scheduler.context), typed: typed, thrown: nil)
            var value = unsafe schedhost_cache_value()
            unsafe value.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_value>.size)
            let code = unsafe withUnsafeMutablePointer(to: &call) { call in
                unsafe withKey(request.key) { key, size in
                    var asked = unsafe schedhost_cache_request()
                    unsafe asked.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_request>.size)
                    unsafe asked.flags = request.fresh ? UInt32(SCHEDHOST_GET_FRESH) : 0
                    unsafe asked.tolerance_seconds =
                        request.tolerance == .zero ? 0 : request.tolerance.fractionalSeconds
                    unsafe asked.key = unsafe key
                    unsafe asked.key_size = size
                    if !ownSource {
                        unsafe asked.source = unsafe requestSource
                        unsafe asked.user = UnsafeMutableRawPointer(call)
                    }
                    return unsafe get(scheduler.pointer, handle, &asked, &value)
                }
            }
            if code == Code.ok { return unsafe value }
            if let thrown = call.thrown { throw thrown }
            throw unsafe error(code, sourceText(scheduler, handle))
        }
    }

    /// The value held, whatever its age; nil if there is none.
    func peek(_ scheduler: Scheduler, _ handle: OpaquePointer, key: String) throws -> schedhost_cache_value? {
        guard let peek = unsafe scheduler.table.cache_peek else { throw error(Code.unsupported) }
        var value = unsafe schedhost_cache_value()
        unsafe value.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_value>.size)
        let code = unsafe withKey(key) { unsafe peek(scheduler.pointer, handle, $0, $1, &value) }
        if code == Code.notFound { return nil }
        if code != Code.ok { throw error(code) }
        return unsafe value
    }

    /// Drops the value; false when there was none.
    func invalidate(_ scheduler: Scheduler, key: String) throws -> Bool {
        guard let handle = unsafe handle else { return false }
        guard let invalidate = unsafe scheduler.table.cache_invalidate else { throw error(Code.unsupported) }
        let code = unsafe withKey(key) { unsafe invalidate(scheduler.pointer, handle, $0, $1) }
        if code != Code.ok && code != Code.notFound { throw error(code) }
        return code == Code.ok
    }

    private func sourceText(_ scheduler: Scheduler, _ handle: OpaquePointer) -> String {
        guard let text = unsafe scheduler.table.cache_error?(scheduler.pointer, handle) else { return "" }
        return unsafe String(cString: text)
    }
}

extension CallbackContext {
    /// The routine's cache of that kind and name, opened on its first use.
    func binding<Binding: CacheBinding, Value>(
        _ kind: CacheBinding.Kind, _ name: String, of type: Value.Type, _ scheduler: Scheduler,
        options: (inout schedhost_cache_options) -> Void, make: (OpaquePointer?) -> Binding
    ) throws -> Binding {
        if let known = known(kind, name) { return try typed(known, type) }
        let open = unsafe kind == .memory ? table.cache_memory : table.cache
        var handle: OpaquePointer?
        if let open = unsafe open {
            var given = unsafe schedhost_cache_options()
            unsafe given.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_options>.size)
            unsafe options(&given)
            let code = unsafe name.withCString { unsafe open(scheduler.pointer, $0, &given, &handle) }
            if code != Code.ok && code != Code.unsupported { throw CacheError(name, code: code, message: "") }
        }
        let new = unsafe make(handle)
        let winner = caches.withLock { caches in
            // Another thread may have been faster.
            if let known = caches.first(where: { $0.kind == kind && $0.name == name }) { return known }
            caches.append(new)
            return new
        }
        return try typed(winner, type)
    }

    private func known(_ kind: CacheBinding.Kind, _ name: String) -> CacheBinding? {
        caches.withLock { caches in
            for cache in caches where cache.kind == kind && cache.name == name { return cache }
            return nil
        }
    }

    private func typed<Binding: CacheBinding, Value>(_ binding: CacheBinding, _ type: Value.Type) throws -> Binding {
        guard binding.type == ObjectIdentifier(type) else {
            throw binding.error(Code.invalid, "it is in use with values of another type than \(type)")
        }
        return unsafe unsafeDowncast(binding, to: Binding.self)  // the kind and the type of the values make the class
    }
}

extension Optional<Scheduler> {
    /// The scheduler given, else that of the callback in progress on this thread.
    func orCurrent(for cache: String) throws -> Scheduler {
        if let given = self ?? CurrentScheduler.scheduler { return given }
        throw CacheError(
            cache, code: Code.notHere,
            message: "no routine runs on this thread: pass the scheduler, as in cache(in: scheduler)")
    }
}

extension Optional<Duration> {
    /// Milliseconds until expiry; nil is never.
    var expiry: Int64 { map(\.milliseconds) ?? .max }
}

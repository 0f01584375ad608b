internal import CPluginAPI
internal import Synchronization

/// One cache of one routine, or one that the plugin's routines share, as the host opened it. Lives as long as the host's
/// handle: for ever.
@safe final class CacheBinding: @unchecked Sendable {
    // @unchecked: immutable; the host's handle may be used on any thread.

    let storage: CacheStorage
    let kind: CacheStorage.Kind
    let name: String
    /// As the declaration that came first has it.
    private let expire: Duration?
    /// Whether the log has been told of another one that differs.
    private let isTold = Atomic<Bool>(false)
    private let isASCII: Bool
    private let type: ObjectIdentifier
    /// nil when the host has no caches: then every call loads.
    private let handle: OpaquePointer?
    private let decoded = DecodedValues()
    /// What its sources threw, for those who share a failed load without having run the source.
    let thrown = ThrownErrors()
    let scope: CacheScope
    /// Whose it is: a routine's context, or what the contexts of a plugin have in common; and the host that has opened it.
    private let owner: UnsafeMutableRawPointer
    private let host: UnsafePointer<schedhost_host>?

    init(
        _ storage: CacheStorage, _ name: String, _ scope: CacheScope, expire: Duration?, type: ObjectIdentifier,
        handle: OpaquePointer?, context: CallbackContext
    ) {
        self.expire = expire
        self.scope = scope
        unsafe owner =
            unsafe scope == .plugin
            ? Unmanaged.passUnretained(context.shared).toOpaque() : Unmanaged.passUnretained(context).toOpaque()
        unsafe host = context.host
        self.storage = storage
        kind = storage.kind
        self.name = name
        isASCII = name.utf8.allSatisfy { $0 < 0x80 }
        self.type = type
        unsafe self.handle = unsafe handle
    }

    /// Whether it is the cache that is declared so. Names are compared by their bytes.
    ///
    /// What is equivalent in Unicode to a text of ASCII, and is none, is longer: so a hit of a cache with such a name need not
    /// look at the bytes.
    func isInPlace(_ kind: CacheStorage.Kind, _ name: String, _ scope: CacheScope) -> Bool {
        guard self.name == name && self.kind == kind && self.scope == scope else { return false }
        return self.name.utf8.count == name.utf8.count && (isASCII || Bytewise(self.name) == Bytewise(name))
    }

    /// Itself, if its values have that type.
    func checked(_ type: ObjectIdentifier) throws -> CacheBinding {
        if type != self.type { throw error(Code.invalid, "it is in use with values of another type") }
        return self
    }

    /// Itself for another declaration of the same cache, which the log is told once if it says otherwise than the first one,
    /// since the first one holds. `storage` is nil where it is not known.
    func checked(expire: Duration?, _ storage: CacheStorage?, _ scheduler: Scheduler) -> CacheBinding {
        var differing: [String] = []
        if expire != self.expire {
            differing.append("its expiry is \(Self.text(self.expire)) there and \(Self.text(expire)) here")
        }
        if let storage, let difference = self.storage.difference(storage) { differing.append(difference) }
        if !differing.isEmpty, !isTold.exchange(true, ordering: .relaxed) {
            let all = differing.joined(separator: ", ")
            scheduler.log.warning("cache \"\(name)\" is declared twice, and the first declaration holds: \(all)")
        }
        return self
    }

    private static func text(_ expire: Duration?) -> String { expire.map { "\($0)" } ?? "nil" }

    /// The box that a test's source has made, if it has that type.
    func checked(_ box: ValueBox) throws -> ValueBox {
        if box.type != type { throw error(Code.invalid, "the source that replaces its own makes another type") }
        return box
    }

    /// The value of a memory cache for the callback in progress, which keeps it; nil when it is another routine's cache or the
    /// host has none. In a callback or a source no answer comes pinned.
    ///
    /// Without a request it is the unkeyed value, neither fresh nor with a tolerance.
    @inline(__always)
    func hit(
        _ current: CurrentScheduler.Borrowed, _ request: CacheRequest?, _ loader: Loader, ownSource: Bool
    ) throws -> Unmanaged<ValueBox>? {
        var facts = unsafe schedhost_cache_value()
        guard unsafe try ask(current, request, loader, ownSource: ownSource, &facts) else { return nil }
        return unsafe try object(facts.object)  // and nothing else: see CacheFacts
    }

    /// The same with what the host says of it.
    func held(
        _ current: CurrentScheduler.Borrowed, _ request: CacheRequest?, _ loader: Loader, ownSource: Bool
    ) throws -> HeldAnswer? {
        var facts = unsafe schedhost_cache_value()
        guard unsafe try ask(current, request, loader, ownSource: ownSource, &facts) else { return nil }
        return unsafe HeldAnswer(box: try object(facts.object), facts: CacheFacts(facts))
    }

    /// The value of a cache on disk, decoded, for the callback in progress. Nil also when the bytes of a hit cannot be decoded,
    /// which `get` sees to.
    func decoded(
        _ current: CurrentScheduler.Borrowed, _ request: CacheRequest, _ loader: Loader, ownSource: Bool
    ) throws -> BoxAnswer? {
        guard let handle = unsafe handle else { return nil }
        return unsafe try current.context._withUnsafeGuaranteedRef { context in
            guard isOf(context) else { return nil }
            var call = SourceCall(binding: self, context: context, loader: loader)
            var facts = unsafe schedhost_cache_value()
            do {
                unsafe try ask(current.pointer, context, handle, request, ownSource: ownSource, &call, &facts)
            } catch is SharedLoad {
                return nil
            }
            do {
                return unsafe BoxAnswer(
                    box: try box(facts, key: request.key, made: call.made), facts: CacheFacts(facts))
            } catch  where unsafe Int(facts.state) == SCHEDHOST_VALUE_HIT {
                return nil
            } catch  where unsafe Int(facts.state) == SCHEDHOST_VALUE_STALE {
                throw unsafe unreadable(
                    facts, Scheduler(context: context, pointer: current.pointer), handle, call, key: request.key, error)
            }
        }
    }

    /// Asks the host on behalf of the callback in progress. False when it is another routine's cache or the host has none.
    @inline(__always)
    private func ask(
        _ current: CurrentScheduler.Borrowed, _ request: CacheRequest?, _ loader: Loader, ownSource: Bool,
        _ facts: inout schedhost_cache_value
    ) throws -> Bool {
        guard let handle = unsafe handle else { return false }
        return unsafe try current.context._withUnsafeGuaranteedRef { context in
            guard isOf(context), unsafe context.table.cache_get != nil else { return false }
            var call = SourceCall(binding: self, context: context, loader: loader)
            do {
                unsafe try ask(current.pointer, context, handle, request, ownSource: ownSource, &call, &facts)
                return true
            } catch is SharedLoad {
                // The host keeps no such value for the callback: `get` has it.
                return false
            }
        }
    }

    /// Whether the host has opened it for the routine of that context, or for the plugin's routines together.
    @inline(__always)
    private func isOf(_ context: CallbackContext) -> Bool {
        let asker =
            unsafe scope == .plugin
            ? Unmanaged.passUnretained(context.shared).toOpaque() : Unmanaged.passUnretained(context).toOpaque()
        return unsafe asker == owner && context.host == host
    }

    /// What a call throws that the host answered with `code`: what the source threw, also to a call that has shared the
    /// load of another one.
    private func failure(
        _ code: Int32, _ call: SourceCall, _ sourceCode: Int32, key: String,
        _ scheduler: UnsafePointer<schedhost_scheduler>, _ handle: OpaquePointer, _ context: CallbackContext
    ) -> any Error {
        if let error = call.thrown { return error }
        if code == Code.stopped { return CancellationError() }
        let text = unsafe context.table.cache_error?(scheduler, handle).map { unsafe String(cString: $0) } ?? ""
        if code != Code.sourceFailed { return error(code, text) }
        if let error = thrown.find(key, text) { return error }
        return CacheError(name, code: sourceCode == Code.ok ? code : sourceCode, message: text, isSourceFailure: true)
    }

    /// The value, from the cache or the loader. Throws what the loader threw in this call, else the host's reason.
    ///
    /// With `ownSource` the cache's own source loads, which a reload ahead of expiry needs.
    func get(_ scheduler: Scheduler, _ request: CacheRequest, ownSource: Bool, _ loader: Loader) throws -> BoxAnswer {
        guard let handle = unsafe handle else { return BoxAnswer(box: try loader(request.key), facts: CacheFacts()) }
        var call = SourceCall(binding: self, context: scheduler.context, loader: loader)
        var facts = unsafe schedhost_cache_value()
        do {
            unsafe try ask(scheduler.pointer, scheduler.context, handle, request, ownSource: ownSource, &call, &facts)
        } catch let shared as SharedLoad {
            return BoxAnswer(box: try checked(shared.box), facts: CacheFacts())
        }
        do {
            return unsafe BoxAnswer(
                box: try take(&facts, scheduler, key: request.key, made: call.made), facts: CacheFacts(facts))
        } catch  where unsafe kind == .disk && Int(facts.state) == SCHEDHOST_VALUE_STALE {
            throw unsafe unreadable(facts, scheduler, handle, call, key: request.key, error)
        } catch  where unsafe kind == .disk && Int(facts.state) == SCHEDHOST_VALUE_HIT {
            // Another version of the plugin wrote these bytes: the source makes the value anew.
            unsafe setAside(facts, scheduler, key: request.key, error)
            let anew = CacheRequest(key: request.key, fresh: true, tolerance: .zero)
            var facts = unsafe schedhost_cache_value()
            unsafe try ask(scheduler.pointer, scheduler.context, handle, anew, ownSource: ownSource, &call, &facts)
            return unsafe BoxAnswer(
                box: try take(&facts, scheduler, key: request.key, made: call.made), facts: CacheFacts(facts))
        }
    }

    /// Asks the host, whose answer is in `facts`. Without a request for the unkeyed value, neither fresh nor with a
    /// tolerance: a hit pays for none of these.
    @inline(__always)
    private func ask(
        _ scheduler: UnsafePointer<schedhost_scheduler>, _ context: CallbackContext, _ handle: OpaquePointer,
        _ request: CacheRequest?, ownSource: Bool, _ call: inout SourceCall, _ facts: inout schedhost_cache_value
    ) throws {
        guard let get = unsafe context.table.cache_get else { throw error(Code.unsupported) }
        unsafe facts.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_value>.size)
        let code = unsafe withUnsafeMutablePointer(to: &call) { call in
            var asked = unsafe schedhost_cache_request()
            unsafe asked.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_request>.size)
            if !ownSource {
                unsafe asked.source = unsafe requestSource
                unsafe asked.user = UnsafeMutableRawPointer(call)
            }
            guard let request else { return unsafe get(scheduler, handle, &asked, &facts) }
            return unsafe withKey(request.key) { key, size in
                unsafe asked.flags = request.fresh ? UInt32(SCHEDHOST_GET_FRESH) : 0
                if request.tolerance != .zero { unsafe asked.tolerance_ms = request.tolerance.wholeMilliseconds }
                unsafe asked.key = unsafe key
                unsafe asked.key_size = size
                return unsafe get(scheduler, handle, &asked, &facts)
            }
        }
        if code != Code.ok {
            // A job that runs while its thread waits for this very value.
            if code == Code.reentrant, let box = try AsyncSource.share(self, request?.key ?? "") {
                throw SharedLoad(box: box)
            }
            throw unsafe failure(code, call, facts.last_error, key: request?.key ?? "", scheduler, handle, context)
        }
    }

    /// A value that another job of the same thread has made, whose load the host has not ended yet.
    private struct SharedLoad: Error {
        let box: ValueBox
    }

    /// The value held, whatever its age, and never the source; nil if there is none, or none that can be decoded.
    func peek(_ scheduler: Scheduler, key: String) throws -> BoxAnswer? {
        var facts = unsafe schedhost_cache_value()
        guard unsafe try peek(scheduler.pointer, scheduler.context, key, &facts) else { return nil }
        switch kind {
        case .memory:
            return unsafe BoxAnswer(box: try take(&facts, scheduler, key: key, made: nil), facts: CacheFacts(facts))
        case .disk:
            do {
                return unsafe BoxAnswer(box: try take(&facts, scheduler, key: key, made: nil), facts: CacheFacts(facts))
            } catch {
                unsafe setAside(facts, scheduler, key: key, error)
                return nil
            }
        }
    }

    /// The same of a memory cache for the callback in progress, as in `hit`; the outer nil when it is another routine's.
    func glance(_ current: CurrentScheduler.Borrowed, key: String) throws -> HeldAnswer?? {
        unsafe try current.context._withUnsafeGuaranteedRef { context in
            guard isOf(context) else { return nil }
            var facts = unsafe schedhost_cache_value()
            guard unsafe try peek(current.pointer, context, key, &facts) else { return .some(nil) }
            return unsafe HeldAnswer(box: try object(facts.object), facts: CacheFacts(facts))
        }
    }

    /// Asks the host for the value held, which it writes into `facts`. False if there is none.
    @inline(__always)
    private func peek(
        _ scheduler: UnsafePointer<schedhost_scheduler>, _ context: CallbackContext, _ key: String,
        _ facts: inout schedhost_cache_value
    ) throws -> Bool {
        guard let handle = unsafe handle else { return false }
        guard let peek = unsafe context.table.cache_peek else { throw error(Code.unsupported) }
        unsafe facts.struct_size = unsafe UInt32(MemoryLayout<schedhost_cache_value>.size)
        let code = unsafe withKey(key) { unsafe peek(scheduler, handle, $0, $1, &facts) }
        if code == Code.ok { return true }
        if code != Code.notFound { throw error(code) }
        // The host has let it go, and so does this.
        if kind == .disk { decoded.drop(key) }
        return false
    }

    /// What a call throws for which the host has nothing but a stale value that cannot be decoded: the source's error, as if
    /// there were no value. It is set aside.
    private func unreadable(
        _ facts: schedhost_cache_value, _ scheduler: Scheduler, _ handle: OpaquePointer, _ call: SourceCall,
        key: String, _ error: any Error
    ) -> any Error {
        // First, while the host still has the text of what the source threw.
        let failure = unsafe failure(
            Code.sourceFailed, call, facts.last_error, key: key, scheduler.pointer, handle, scheduler.context)
        unsafe setAside(facts, scheduler, key: key, error)
        return failure
    }

    /// Tells the host that its value cannot be decoded; an older host keeps it until another one replaces it.
    private func setAside(
        _ facts: schedhost_cache_value, _ scheduler: Scheduler, key: String, _ error: any Error
    ) {
        guard let handle = unsafe handle, let setAside = unsafe scheduler.context.table.cache_set_aside else { return }
        _ = unsafe withKey(key) { key, size in
            unsafe setAside(
                scheduler.pointer, handle, key, size, facts.generation, "it cannot be decoded: \(error)")
        }
    }

    /// Replaces the value, aged 0. Nothing under a host without caches.
    func put(_ scheduler: Scheduler, _ box: ValueBox, key: String) throws {
        guard let handle = unsafe handle else { return }
        let table = unsafe scheduler.context.table
        let code: Int32
        switch storage {
        case .memory(let cost):
            guard let put = unsafe table.cache_put_object else { throw error(Code.unsupported) }
            if key.utf8.count > 65_536 { throw error(Code.invalid, "the key is longer than 64 KiB") }
            let cost = max(0, cost(box))
            let object = unsafe Unmanaged.passRetained(box).toOpaque()
            code = unsafe withKey(key) { unsafe put(scheduler.pointer, handle, $0, $1, object, ValueBox.release, cost) }
            // What the host refuses is still ours.
            if code != Code.ok { unsafe ValueBox.release(object) }
        case .disk(let codec, _, _):
            guard let put = unsafe table.cache_put else { throw error(Code.unsupported) }
            decoded.drop(key)
            code = unsafe try codec.encode(box).withUnsafeBytes { bytes in
                unsafe withKey(key) { unsafe put(scheduler.pointer, handle, $0, $1, bytes.baseAddress, bytes.count) }
            }
        }
        if code != Code.ok { throw error(code) }
    }

    /// Drops the value; false when there was none.
    func invalidate(_ scheduler: Scheduler, key: String) throws -> Bool {
        decoded.drop(key)
        guard let handle = unsafe handle else { return false }
        guard let invalidate = unsafe scheduler.context.table.cache_invalidate else { throw error(Code.unsupported) }
        let code = unsafe withKey(key) { unsafe invalidate(scheduler.pointer, handle, $0, $1) }
        if code != Code.ok && code != Code.notFound { throw error(code) }
        return code == Code.ok
    }

    /// The box of an answer, which holds its value from here on: a pin of the host's, as an answer to a thread of the
    /// plugin's own has one, is given back. Of an answer without a pin nothing may be given back: the host counts the pins of
    /// a value, and that would be the one of another thread that still reads it.
    @inline(__always)
    private func take(
        _ facts: inout schedhost_cache_value, _ scheduler: Scheduler, key: String, made: ValueBox?
    ) throws -> ValueBox {
        let isPinned = unsafe !CurrentScheduler.isKept(for: scheduler.pointer)
        defer { if isPinned { unsafe scheduler.context.table.cache_release?(scheduler.pointer, &facts) } }
        return unsafe try box(facts, key: key, made: made)
    }

    /// The object that the host gives, or what its bytes mean: decoded once for each generation.
    private func box(_ facts: schedhost_cache_value, key: String, made: ValueBox?) throws -> ValueBox {
        if kind == .memory {
            return unsafe try object(facts.object).takeUnretainedValue()
        }
        let isLoaded = unsafe Int(facts.state) == SCHEDHOST_VALUE_LOADED
        if isLoaded, let made {
            unsafe decoded.keep(made, facts.generation, key, size: facts.size)
            return made
        }
        // A load that this call joined may be the first of its generation.
        if !isLoaded, let known = unsafe decoded.find(facts.generation, key) { return known }
        guard case .disk(let codec, _, _) = storage else { throw error(Code.invalid) }
        let bytes = unsafe facts.data.map { unsafe [UInt8](UnsafeRawBufferPointer(start: $0, count: facts.size)) }
        let box = try codec.decode(bytes ?? [])
        unsafe decoded.keep(box, facts.generation, key, size: facts.size)
        return box
    }

    /// The box in a host's answer.
    @inline(__always)
    private func object(_ pointer: UnsafeMutableRawPointer?) throws -> Unmanaged<ValueBox> {
        guard let pointer = unsafe pointer else { throw error(Code.invalid, "the host answers without an object") }
        let box = unsafe Unmanaged<ValueBox>.fromOpaque(pointer)
        guard unsafe box._withUnsafeGuaranteedRef({ $0.type == type }) else {
            throw error(Code.invalid, "it holds a value of another type")
        }
        return unsafe box
    }

    private func error(_ code: Int32, _ message: String = "") -> CacheError {
        CacheError(name, code: code, message: message)
    }
}

/// A key as the host takes it; the empty one is the unkeyed value.
@inline(__always)
private func withKey<Result>(_ key: String, _ body: (UnsafeRawPointer?, Int) throws -> Result) rethrows -> Result {
    if key.isEmpty { return try body(nil, 0) }
    var key = key
    return try key.withUTF8 { unsafe try body($0.baseAddress, $0.count) }
}

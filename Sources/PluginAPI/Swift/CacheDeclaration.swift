internal import CPluginAPI
internal import Glibc
internal import Synchronization

/// A cache as its author declares it: what `CacheMemory` and `Cache` hold. Finds the cache of its name that is the routine's own,
/// or that the routines of its plugin share.
@safe public final class CacheDeclaration: Sendable {
    let storage: CacheStorage
    let name: String
    let scope: CacheScope
    let expire: Duration?
    let refreshAfter: Duration
    let type: ObjectIdentifier
    let load: @Sendable (String) throws -> ValueBox
    /// Whether the host reloads ahead of expiry, by the cache's own source.
    private let reloads: Bool
    private let key = CurrentScheduler.key
    /// The cache that was used last; bindings are immortal.
    private let last = unsafe Atomic<Unmanaged<CacheBinding>?>(nil)

    init(
        _ storage: CacheStorage, _ name: String, _ scope: CacheScope, expire: Duration?, refreshAfter: Duration,
        type: ObjectIdentifier,
        load: @escaping @Sendable (String) throws -> ValueBox
    ) {
        self.storage = storage
        self.name = name
        self.scope = scope
        self.expire = expire
        self.refreshAfter = refreshAfter
        self.type = type
        self.load = load
        reloads = refreshAfter > .zero
    }

    /// The box of the unkeyed value, not fresh and without a tolerance, if the memory cache that was used last is one of the
    /// callback in progress; else nil, and `get` has it.
    ///
    /// The host keeps the box until the callback returns. So a hit takes no lock and counts no reference but the value's own.
    @usableFromInline
    func hit() throws -> Unmanaged<ValueBox>? {
        guard let (current, known) = unsafe used(by: nil, of: .memory) else { return nil }
        return unsafe try known._withUnsafeGuaranteedRef { known in
            unsafe try known.hit(current, nil, .declared(.passUnretained(self)), ownSource: reloads)
        }
    }

    /// The same for what is asked in that way, on behalf of `scheduler` if there is one.
    ///
    /// The parts of a request are parameters of their own. As one value they go through memory, where the processor waits when
    /// it reads in large parts what was just written in small ones: a tenth of a hit.
    @usableFromInline
    func hit(
        _ key: String, _ fresh: Bool, _ tolerance: Duration, _ scheduler: Scheduler?
    ) throws -> Unmanaged<ValueBox>? {
        guard let (current, known) = unsafe used(by: scheduler, of: .memory) else { return nil }
        return unsafe try known._withUnsafeGuaranteedRef { known in
            unsafe try known.hit(
                current, CacheRequest(key: key, fresh: fresh, tolerance: tolerance),
                .declared(.passUnretained(self)), ownSource: reloads)
        }
    }

    /// The same with what the host says of it.
    @usableFromInline
    func held(_ request: CacheRequest, _ scheduler: Scheduler?) throws -> HeldAnswer? {
        guard let (current, known) = unsafe used(by: scheduler, of: .memory) else { return nil }
        return unsafe try known._withUnsafeGuaranteedRef { known in
            unsafe try known.held(current, request, .declared(.passUnretained(self)), ownSource: reloads)
        }
    }

    /// The same of the unkeyed value, not fresh and without a tolerance.
    @usableFromInline
    func held() throws -> HeldAnswer? {
        guard let (current, known) = unsafe used(by: nil, of: .memory) else { return nil }
        return unsafe try known._withUnsafeGuaranteedRef { known in
            unsafe try known.held(current, nil, .declared(.passUnretained(self)), ownSource: reloads)
        }
    }

    /// The value held, as by `peek`, if the cache is one of the callback in progress; else nil, and `peek` has it.
    @usableFromInline
    func glance(_ key: String, _ scheduler: Scheduler?) throws -> HeldAnswer?? {
        guard let (current, known) = unsafe used(by: scheduler, of: .memory) else { return nil }
        return unsafe try known._withUnsafeGuaranteedRef { try $0.glance(current, key: key) }
    }

    /// The cache that was used last, and who asks, if that is the callback in progress.
    @inline(__always)
    private func used(by scheduler: Scheduler?, of kind: CacheStorage.Kind) -> (
        CurrentScheduler.Borrowed, Unmanaged<CacheBinding>
    )? {
        guard storage.kind == kind, let current = CurrentScheduler.borrowed(key),
            let known = unsafe last.load(ordering: .acquiring),
            scheduler.map({ unsafe $0.pointer == current.pointer }) ?? true
        else { return nil }
        return unsafe (current, known)
    }

    /// The value's box, by whichever way.
    @usableFromInline
    func get(_ request: CacheRequest, _ scheduler: Scheduler?) throws -> ValueBox {
        try answer(request, scheduler).box
    }

    @usableFromInline
    func answer(_ request: CacheRequest, _ scheduler: Scheduler?) throws -> BoxAnswer {
        if let (current, known) = unsafe used(by: scheduler, of: .disk),
            let answer = unsafe try known._withUnsafeGuaranteedRef({ known in
                unsafe try known.decoded(current, request, .declared(.passUnretained(self)), ownSource: reloads)
            })
        {
            return answer
        }
        let scheduler = try scheduler.orCurrent(for: name)
        return unsafe try binding(scheduler).get(
            scheduler, request, ownSource: reloads, .declared(.passUnretained(self)))
    }

    @usableFromInline
    func peek(_ key: String, _ scheduler: Scheduler?) throws -> BoxAnswer? {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).peek(scheduler, key: key)
    }

    func put(_ box: ValueBox, _ key: String, _ scheduler: Scheduler?) throws {
        let scheduler = try scheduler.orCurrent(for: name)
        try binding(scheduler).put(scheduler, box, key: key)
    }

    func invalidate(_ key: String, _ scheduler: Scheduler?) throws -> Bool {
        let scheduler = try scheduler.orCurrent(for: name)
        return try binding(scheduler).invalidate(scheduler, key: key)
    }

    private func binding(_ scheduler: Scheduler) throws -> CacheBinding {
        let context = scheduler.context
        if refreshAfter < .zero {
            throw CacheError(name, code: Code.invalid, message: "its refreshAfter is negative: zero is never")
        }
        if let known = context.binding(storage.kind, name, scope) {
            return remember(try known.checked(type).checked(expire: expire, storage, scheduler))
        }
        var background: BackgroundSource?
        if reloads {
            background = BackgroundSource(context, self, after: refreshAfter, load)
        }
        return remember(
            try context.open(storage, name, scope, type: type, scheduler, expire: expire, background: background))
    }

    private func remember(_ binding: CacheBinding) -> CacheBinding {
        unsafe last.store(.passUnretained(binding), ordering: .releasing)
        return binding
    }
}

extension Scheduler {
    /// The box of a cache that is declared where it is used.
    @usableFromInline
    func box(
        _ kind: CacheStorage.Kind, _ name: String, _ scope: CacheScope, type: ObjectIdentifier, expire: Duration?,
        _ request: CacheRequest,
        storage: @autoclosure () -> CacheStorage, _ load: @escaping () throws -> ValueBox
    ) throws -> ValueBox {
        let current = CurrentScheduler.borrowed(CurrentScheduler.key)
        let isOfCallback = unsafe current?.pointer == pointer
        if isOfCallback, kind == .disk, let current, let last = unsafe context.lastInPlace.load(ordering: .acquiring) {
            let answer = unsafe try last._withUnsafeGuaranteedRef { last in
                guard last.isInPlace(kind, name, scope) else { return nil as BoxAnswer? }
                return try last.checked(type).decoded(current, request, .plain(load), ownSource: false)
            }
            if let answer { return answer.box }
        }
        let binding =
            try context.binding(kind, name, scope)?.checked(type).checked(expire: expire, nil, self)
            ?? context.open(storage(), name, scope, type: type, self, expire: expire, background: nil)
        if isOfCallback { unsafe context.lastInPlace.store(.passUnretained(binding), ordering: .releasing) }
        return try binding.get(self, request, ownSource: false, .plain(load)).box
    }

    /// The same of a memory cache, if it is the one that the callback in progress has used last; else nil, and `box` has it.
    /// The host keeps the box until the callback returns.
    ///
    /// `load` is where a closure is that makes the value, which `make` knows how to call: to make one closure of the two would be
    /// an allocation.
    @usableFromInline
    func hit(
        _ name: String, _ scope: CacheScope, type: ObjectIdentifier, _ key: String, _ fresh: Bool,
        _ tolerance: Duration, _ load: UnsafeRawPointer, _ make: @escaping (UnsafeRawPointer) throws -> ValueBox
    ) throws -> Unmanaged<ValueBox>? {
        guard let current = CurrentScheduler.borrowed(CurrentScheduler.key), unsafe current.pointer == pointer,
            let last = unsafe context.lastInPlace.load(ordering: .acquiring)
        else { return nil }
        return unsafe try last._withUnsafeGuaranteedRef { last in
            guard last.isInPlace(.memory, name, scope) else { return nil }
            return unsafe try last.checked(type).hit(
                current, CacheRequest(key: key, fresh: fresh, tolerance: tolerance), .lent(load, make), ownSource: false
            )
        }
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

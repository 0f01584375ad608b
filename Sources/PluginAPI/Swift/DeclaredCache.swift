/// What `CacheMemory` and `Cache` have in common: a value that is asked for as `cache(fresh:tolerance:)`.
///
/// All members may be used on any thread. Without `in:` they take the routine whose closure runs on this thread.
public protocol DeclaredCache: Sendable {
    /// What is kept.
    associatedtype Value: Sendable
    /// The overlay's own.
    var declaration: CacheDeclaration { get }
}

extension DeclaredCache {
    /// The name: unique among the caches of its kind in a routine.
    public var name: String { declaration.name }

    /// The value, from the cache or the source.
    ///
    /// Throws what the source or the codec threw, also in another caller's load that this one shared; a `CacheError` when
    /// the call is wrong.
    ///
    /// - Parameters:
    ///   - key: up to 64 KiB; the empty one is the unkeyed value.
    ///   - fresh: ask the source, unless the value is younger than the tolerance.
    ///   - tolerance: the age that does for a fresh value; without `fresh`, how far past its expiry a value may be
    ///     when the source fails. In whole milliseconds, not negative.
    ///   - scheduler: the routine; without it, the one whose closure runs on this thread.
    @inlinable
    public func callAsFunction(
        key: String = "", fresh: Bool = false, tolerance: Duration = .zero, in scheduler: Scheduler? = nil
    ) throws -> Value {
        if let box = unsafe try declaration.hit(key, fresh, tolerance, scheduler) {
            return unsafe box._withUnsafeGuaranteedRef { $0.value(as: Value.self) }
        }
        return try declaration.get(CacheRequest(key: key, fresh: fresh, tolerance: tolerance), scheduler)
            .value(as: Value.self)
    }

    /// The value with all of that left out: the short way of a hit.
    @inlinable
    public func callAsFunction() throws -> Value {
        if let box = unsafe try declaration.hit() {
            return unsafe box._withUnsafeGuaranteedRef { $0.value(as: Value.self) }
        }
        return try declaration.get(CacheRequest(key: "", fresh: false, tolerance: .zero), nil).value(as: Value.self)
    }

    /// The same with where the value came from, its age and more.
    @inlinable
    public func answer(
        key: String = "", fresh: Bool = false, tolerance: Duration = .zero, in scheduler: Scheduler? = nil
    ) throws -> CacheAnswer<Value> {
        let request = CacheRequest(key: key, fresh: fresh, tolerance: tolerance)
        if let held = try declaration.held(request, scheduler) { return CacheAnswer(held) }
        return CacheAnswer(try declaration.answer(request, scheduler))
    }

    /// The same with all of that left out: the short way of a hit.
    @inlinable
    public func answer() throws -> CacheAnswer<Value> {
        if let held = try declaration.held() { return CacheAnswer(held) }
        return CacheAnswer(try declaration.answer(CacheRequest(key: "", fresh: false, tolerance: .zero), nil))
    }

    /// The value held, whatever its age, and never the source; nil if there is none, or none that its codec takes.
    @inlinable
    public func peek(key: String = "", in scheduler: Scheduler? = nil) throws -> CacheAnswer<Value>? {
        if let held = try declaration.glance(key, scheduler) { return held.map { CacheAnswer($0) } }
        return try declaration.peek(key, scheduler).map { CacheAnswer($0) }
    }

    /// Replaces the value, aged 0. Nothing under a host that has no caches.
    public func put(_ value: Value, key: String = "", in scheduler: Scheduler? = nil) throws {
        try declaration.put(TypedBox(value), key, scheduler)
    }

    /// Drops the value, from the disk too; false when there was none.
    @discardableResult
    public func invalidate(key: String = "", in scheduler: Scheduler? = nil) throws -> Bool {
        try declaration.invalidate(key, scheduler)
    }
}

internal import HostSystem
internal import HostValues
internal import Synchronization

/// A hit on the callback's own thread. It holds no reference, since `DeferredRelease` keeps the value alive.
@safe public struct CacheHit {
    /// The value, valid until the callback in progress returns.
    public let value: Unmanaged<CacheValue>
    /// The time in ns since its load completed.
    public let age: Int64
    /// The code of the last failed load since the value was made; 0 if there was none.
    public let lastError: Int32
}

/// The values that a cache serves without a lock, on the thread of a routine's callback in progress. It holds no reference to
/// them: the cache's entries do, and `DeferredRelease` keeps what they lose until the callback returns.
@safe struct CacheHits: ~Copyable, Sendable {
    /// The values of keys.
    let keyed = KeyedHits()
    private let unkeyed = unsafe Atomic<Unmanaged<CacheValue>?>(nil)
    /// One thread at a time writes it, so it needs no locked instruction.
    private let counted = Atomic<UInt64>(0)
    /// The age in ns up to which a plain get is a hit without side effects.
    private let lifetime: Int64
    private let countsHits: Bool
    private let clock: CacheClock

    /// Makes it empty. `countsHits`: false for a cache that routines share, whose views count.
    init(clock: CacheClock, policy: CacheFlight.Policy, countsHits: Bool) {
        self.clock = clock
        lifetime = min(policy.expire, policy.refreshAfter == .max ? .max : policy.refreshAfter - 1)
        self.countsHits = countsHits
    }

    /// The number of hits.
    var count: UInt64 { counted.load(ordering: .relaxed) }

    /// The unkeyed value, if it is at most `oldest` ns old and its expiry has not come.
    @inline(__always)
    func find(within oldest: Int64) -> CacheHit? {
        guard let held = unsafe unkeyed.load(ordering: .acquiring) else { return nil }
        return unsafe held._withUnsafeGuaranteedRef { serve($0, within: oldest) }
    }

    /// The same of a key's value.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, within oldest: Int64) -> CacheHit? {
        guard let held = unsafe keyed.find(key) else { return nil }
        return unsafe held._withUnsafeGuaranteedRef { serve($0, within: oldest) }
    }

    /// A value whatever its age, which is no hit.
    func glance(_ key: UnsafeRawBufferPointer) -> CacheHit? {
        guard unsafe key.isEmpty else { return unsafe glance(atKey: key) }
        guard let held = unsafe unkeyed.load(ordering: .acquiring) else { return nil }
        return unsafe held._withUnsafeGuaranteedRef { show($0) }
    }

    /// By itself, so that a peek without a key does not pay for the registers that it needs.
    @inline(never)
    private func glance(atKey key: UnsafeRawBufferPointer) -> CacheHit? {
        guard let held = unsafe keyed.find(key) else { return nil }
        return unsafe held._withUnsafeGuaranteedRef { show($0) }
    }

    @inline(__always)
    private func show(_ value: CacheValue) -> CacheHit? {
        let produced = value.produced
        if produced == .longAgo { return nil }
        value.see()
        return unsafe CacheHit(
            value: .passUnretained(value), age: max(0, clock.now - produced),
            lastError: value.failure.load(ordering: .relaxed))
    }

    /// A value from that time or earlier has an unknown age, or one of more than a hundred years.
    private static let before = BootTime(nanoseconds: -(1 << 62))

    /// A hit of a value that the caller knows to be alive.
    @inline(__always)
    func serve(_ value: CacheValue, within oldest: Int64) -> CacheHit? {
        let now = clock.now
        let produced = value.produced
        // Wrapping subtraction, since clamping would cost each hit 2 ns: what it is wrong for is left to the whole path.
        let age = max(0, now.nanoseconds &- produced.nanoseconds)
        guard produced > Self.before, age <= lifetime, age <= oldest else { return nil }
        value.use(at: now)
        if countsHits { counted.store(counted.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
        return unsafe CacheHit(
            value: .passUnretained(value), age: age, lastError: value.failure.load(ordering: .relaxed))
    }

    /// Whether that is the unkeyed value now. The caller holds a reference to it, so that no other value has its address.
    @inline(__always)
    func publishes(_ value: CacheValue) -> Bool {
        unsafe unkeyed.load(ordering: .acquiring)?.toOpaque() == Unmanaged.passUnretained(value).toOpaque()
    }

    /// Replaces the unkeyed value. Call it under the cache's lock, while the old one is alive.
    @inline(__always)
    func publish(_ value: CacheValue?) {
        unsafe unkeyed.store(value.map { unsafe .passUnretained($0) }, ordering: .releasing)
    }
}

/// The boot clock, as caches read it: the system's by a call that the compiler knows, which takes half as long.
struct CacheClock: Sendable {
    private let clock: any HostClock
    private let isSystem: Bool

    init(_ clock: any HostClock) {
        self.clock = clock
        isSystem = clock is SystemClock
    }

    var now: BootTime {
        @inline(__always) get { isSystem ? SystemClock().boot() : clock.boot() }
    }
}

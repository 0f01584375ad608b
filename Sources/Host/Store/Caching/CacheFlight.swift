internal import HostValues

/// The life of one cached value as a pure state machine: held or absent, loading or idle, in back-off or not. The cache
/// performs what it decides.
///
/// All times are boot-clock nanoseconds. Every method is called under the cache's lock.
struct CacheFlight: Sendable {
    /// The cache's settings, which are the same for all its values.
    struct Policy: Sendable {
        /// The age up to which a value is served, in ns.
        var expire: Int64
        /// The age from which a hit starts a background refresh, in ns; `Int64.max` means never.
        var refreshAfter: Int64

        /// How long the source is not asked after a failure, in ns: a quarter of the expiry, at most 30 s. `jitter`,
        /// from 0 to 1, shortens that by up to a quarter, so that many caches do not retry at the same time.
        func backOff(jitter: Double) -> Int64 {
            let base = min(expire / 4, SharedFailure.longestLeftAlone)
            return base - Int64(Double(base / 4) * min(max(jitter, 0), 1))
        }
    }

    /// The times of the value held.
    struct Held: Equatable, Sendable {
        /// When its load began; for a value that was put, the time of the put.
        var began: BootTime
        /// When its load completed; nil if that is unknown.
        var produced: BootTime?
    }

    /// A load in progress.
    struct Load: Equatable, Sendable {
        var began: BootTime
        var epoch: UInt64
    }

    /// One call: its request, its start, and the version of the value held then.
    struct Call: Equatable, Sendable {
        var request: CacheLookup
        var at: BootTime
        var version: UInt64
    }

    /// The caller's next step.
    enum Step: Equatable, Sendable {
        /// Take the value held; if `refresh` is set, also start that load in the background.
        case serve(refresh: Load?)
        /// Take the value held and mark it as stale.
        case stale
        /// Report this error.
        case fail(CacheSourceFailure)
        /// Wait for the load in progress and share its result.
        case join
        /// Wait until the load in progress has ended, then ask again.
        case waitOut
        /// Perform this load.
        case load(Load)
    }

    /// A failure, which few values have: so it is kept apart from them.
    private final class Failed: Sendable {
        let failure: CacheSourceFailure
        let retryAt: BootTime

        init(_ failure: CacheSourceFailure, retryAt: BootTime) {
            self.failure = failure
            self.retryAt = retryAt
        }
    }

    // As there may be a hundred thousand of these, optional times are kept as times and flags, which take half of the room.
    private var heldBegan = BootTime.longAgo
    /// `longAgo` if that is unknown.
    private var heldProduced = BootTime.longAgo
    /// Changes whenever another value is held, or none.
    private(set) var version: UInt64 = 0
    /// Incremented by each put and invalidation, which outdate the load in progress.
    private(set) var epoch: UInt64 = 0
    private var loadBegan = BootTime.longAgo
    private var failed: Failed?
    private var isHeld = false
    private var isLoading = false
    /// Whether a put or an invalidation has come since the load in progress began.
    private var isOutdated = false

    /// The value held; nil if there is none.
    private(set) var held: Held? {
        get {
            if !isHeld { return nil }
            return Held(began: heldBegan, produced: heldProduced == .longAgo ? nil : heldProduced)
        }
        set {
            version &+= 1
            isHeld = newValue != nil
            heldBegan = newValue?.began ?? .longAgo
            heldProduced = newValue?.produced ?? .longAgo
        }
    }
    /// The last failed load since the value was made; nil if there was none.
    var failure: CacheSourceFailure? { failed?.failure }
    /// The end of the back-off after a failure.
    private var retryAt: BootTime { failed?.retryAt ?? .longAgo }

    /// The value's age at `now`; nil if there is no value or its age is unknown.
    func age(at now: BootTime) -> Int64? {
        guard isHeld, heldProduced != .longAgo else { return nil }
        return max(0, now - heldProduced)
    }

    /// Makes a call that starts at `now`; the same call is passed each time its caller asks.
    func call(_ request: CacheLookup, now: BootTime) -> Call {
        Call(request: request, at: now, version: version)
    }

    /// Decides the caller's next step. `refreshes` tells whether the cache has a source of its own for background
    /// refreshes.
    mutating func ask(_ call: Call, now: BootTime, policy: Policy, refreshes: Bool) -> Step {
        guard case .load(let staleAllowed) = decide(call, now: now, policy: policy) else {
            return .serve(refresh: refreshes ? refresh(now: now, policy: policy) : nil)
        }
        if isLoading {
            // A load that began before a put or an invalidation reflects an older state, so it is not joined.
            let recent = !call.request.fresh || loadBegan >= call.at - call.request.tolerance
            return recent && !isOutdated ? .join : .waitOut
        }
        if let failed, now < failed.retryAt, !call.request.isStrict {
            if staleAllowed { return .stale }
            return .fail(failed.failure.leftAlone(until: failed.retryAt))
        }
        return .load(begin(now))
    }

    /// Decides as `CacheDecision` does, with one exception: for a call that asks for a fresh value, a value that was
    /// stored since the call began is judged by when its load began, not by its age.
    func decide(_ call: Call, now: BootTime, policy: Policy) -> CacheDecision {
        let request = call.request
        let decision = CacheDecision(
            age: age(at: now), expire: policy.expire, fresh: request.fresh, tolerance: request.tolerance)
        guard request.fresh, version != call.version, let held, let produced = held.produced, produced >= call.at
        else { return decision }
        if held.began >= call.at - request.tolerance { return .serve }
        return decision == .serve ? .load(staleAllowed: false) : decision
    }

    /// Decides what the caller of a failed load does, and each caller that joined the load.
    func settle(_ call: Call, failure: CacheSourceFailure, now: BootTime, policy: Policy) -> Step {
        switch decide(call, now: now, policy: policy) {
        case .serve: .serve(refresh: nil)
        case .load(let staleAllowed): staleAllowed ? .stale : .fail(failure)
        }
    }

    /// Starts the background refresh that a hit triggers from a certain age on, including a hit of a fresh call whose
    /// tolerance covers the value's age.
    private mutating func refresh(now: BootTime, policy: Policy) -> Load? {
        guard !isLoading, now >= retryAt, let age = age(at: now), age >= policy.refreshAfter else { return nil }
        return begin(now)
    }

    private mutating func begin(_ now: BootTime) -> Load {
        (isLoading, isOutdated, loadBegan) = (true, false, now)
        return Load(began: now, epoch: epoch)
    }

    /// Takes over the value on disk while `load` goes on; returns false if a put or an invalidation has outdated it.
    mutating func adopt(_ value: Held, during load: Load) -> Bool {
        guard load.epoch == epoch else { return false }
        held = value
        return true
    }

    /// Takes over the value on disk while none is held and no load is in progress.
    mutating func adopt(_ value: Held) {
        held = value
    }

    /// Ends a load that needed no source or was called off; all callers ask again.
    mutating func abandon() {
        isLoading = false
    }

    /// Ends a load whose source made a value. Returns true if the cache keeps the value: `keep` is set, and nothing was
    /// put or invalidated meanwhile.
    mutating func succeed(_ finished: Load, produced: BootTime, keep: Bool) -> Bool {
        isLoading = false
        failed = nil
        guard finished.epoch == epoch else { return false }
        // A value that is too large to keep outdates the old one all the same.
        held = keep ? Held(began: finished.began, produced: produced) : nil
        return keep
    }

    /// Ends a load whose source failed at `now`, and starts the back-off.
    mutating func fail(_ failure: CacheSourceFailure, now: BootTime, policy: Policy, jitter: Double) {
        fail(failure, until: now + policy.backOff(jitter: jitter))
    }

    /// Ends a load whose source failed, and leaves it alone until then.
    mutating func fail(_ failure: CacheSourceFailure, until: BootTime) {
        isLoading = false
        failed = Failed(failure.kept, retryAt: until)
    }

    /// Notes that the plugin has put a value.
    mutating func put(now: BootTime) {
        outdate()
        held = Held(began: now, produced: now)
    }

    /// Notes that the value was invalidated.
    mutating func invalidate() {
        outdate()
        held = nil
    }

    private mutating func outdate() {
        epoch &+= 1
        isOutdated = true
        failed = nil
    }

    /// Notes that the value was evicted from memory for lack of room.
    mutating func evict() {
        held = nil
    }
}

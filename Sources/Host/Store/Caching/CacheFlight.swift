internal import HostValues

/// The course of one value: held or not, being loaded or not, in back-off or not. Pure; the cache performs.
///
/// All times are boot-clock nanoseconds. Every method is called under the cache's lock.
struct CacheFlight: Sendable {
    /// How the cache behaves; the same for all its values.
    struct Policy: Sendable {
        /// The age up to which a value is served, ns.
        var expire: Int64
        /// The age from which a hit starts a reload in the background; `Int64.max`: never.
        var refreshAfter: Int64

        /// How long the source is left alone after a failure: up to a quarter of the expiry or 30 s, and by as
        /// much as a quarter of that shorter, so that many do not come back at once. `jitter` is from 0 to 1.
        func backOff(jitter: Double) -> Int64 {
            let base = min(expire / 4, 30_000_000_000)
            return base - Int64(Double(base / 4) * min(max(jitter, 0), 1))
        }
    }

    /// What is known of the value held.
    struct Held: Equatable, Sendable {
        /// When its load began; for a value that was put, when it was put.
        var began: BootTime
        /// When its load completed; nil when nobody knows.
        var produced: BootTime?
    }

    /// A load in progress.
    struct Load: Equatable, Sendable {
        var number: UInt64
        var began: BootTime
        var epoch: UInt64
    }

    /// One call: what it asks, since when, and which value there was then.
    struct Call: Equatable, Sendable {
        var request: CacheLookup
        var at: BootTime
        var version: UInt64
    }

    /// What a caller has to do next.
    enum Step: Equatable, Sendable {
        /// Take the value held; with `refresh`, begin that load in the background as well.
        case serve(refresh: Load?)
        /// Take the value held, marked as stale.
        case stale
        /// Give this error.
        case fail(CacheSourceFailure)
        /// Wait for the load in progress and share its result.
        case join
        /// Wait until the load in progress is over, then ask again.
        case waitOut
        /// Be the one who loads.
        case load(Load)
    }

    private(set) var held: Held? {
        didSet { version &+= 1 }
    }
    /// Which value is held: another number for each.
    private(set) var version: UInt64 = 0
    private(set) var load: Load?
    /// The last failed load since the value was made.
    private(set) var failure: CacheSourceFailure?
    /// Until when the source is left alone.
    private(set) var retryAt = BootTime.longAgo
    /// Grows when a put or an invalidation makes what is being loaded outdated.
    private(set) var epoch: UInt64 = 0
    private var loads: UInt64 = 0

    /// The age at `now`, nil when there is no value or it is unknown.
    func age(at now: BootTime) -> Int64? {
        guard let produced = held?.produced else { return nil }
        return max(0, now - produced)
    }

    /// One call as it stands at `now`, to be asked and asked again.
    func call(_ request: CacheLookup, now: BootTime) -> Call {
        Call(request: request, at: now, version: version)
    }

    /// What the caller does next; `refreshes` when the cache has a source of its own for a reload in the background.
    mutating func ask(_ call: Call, now: BootTime, policy: Policy, refreshes: Bool) -> Step {
        guard case .load(let staleAllowed) = decide(call, now: now, policy: policy) else {
            return .serve(refresh: refreshes ? refresh(now: now, policy: policy) : nil)
        }
        if let load {
            // After a put or an invalidation the load in progress is about an older state of the world.
            let recent = !call.request.fresh || load.began >= call.at - call.request.tolerance
            return recent && load.epoch == epoch ? .join : .waitOut
        }
        if let failure, now < retryAt, !call.request.isStrict {
            if staleAllowed { return .stale }
            var known = failure
            known.leftAloneUntil = retryAt
            return .fail(known)
        }
        return .load(begin(now))
    }

    /// Decides as the table does, except that a fresh caller judges a value that came since its call by when the value's
    /// load began, and not by its age.
    func decide(_ call: Call, now: BootTime, policy: Policy) -> CacheDecision {
        let request = call.request
        let decision = CacheDecision(
            age: age(at: now), expire: policy.expire, fresh: request.fresh, tolerance: request.tolerance)
        guard request.fresh, version != call.version, let held, let produced = held.produced, produced >= call.at
        else { return decision }
        if held.began >= call.at - request.tolerance { return .serve }
        return decision == .serve ? .load(staleAllowed: false) : decision
    }

    /// What the caller of a load that failed does, and whoever joined it.
    func settle(_ call: Call, failure: CacheSourceFailure, now: BootTime, policy: Policy) -> Step {
        switch decide(call, now: now, policy: policy) {
        case .serve: .serve(refresh: nil)
        case .load(let staleAllowed): staleAllowed ? .stale : .fail(failure)
        }
    }

    /// The load ahead of expiry that a hit begins from a certain age on, also one of a fresh caller who tolerates it.
    private mutating func refresh(now: BootTime, policy: Policy) -> Load? {
        guard load == nil, now >= retryAt, let age = age(at: now), age >= policy.refreshAfter else { return nil }
        return begin(now)
    }

    private mutating func begin(_ now: BootTime) -> Load {
        loads &+= 1
        let new = Load(number: loads, began: now, epoch: epoch)
        load = new
        return new
    }

    /// Takes over what the disk has, while `load` goes on; false when it is outdated by now.
    mutating func adopt(_ value: Held, during load: Load) -> Bool {
        guard load.epoch == epoch else { return false }
        held = value
        return true
    }

    /// Takes over what the disk has while nothing is held and nothing loads.
    mutating func adopt(_ value: Held) {
        held = value
    }

    /// The load found what it was for without the source, or was called off: everyone asks again.
    mutating func abandon() {
        load = nil
    }

    /// The source made a value. True when the cache keeps it: nothing was put or invalidated meanwhile.
    mutating func succeed(_ finished: Load, produced: BootTime, keep: Bool) -> Bool {
        load = nil
        failure = nil
        retryAt = .longAgo
        guard finished.epoch == epoch else { return false }
        // A value over its bound outdates the old one all the same.
        held = keep ? Held(began: finished.began, produced: produced) : nil
        return keep
    }

    /// The source failed at `now`.
    mutating func fail(_ failure: CacheSourceFailure, now: BootTime, policy: Policy, jitter: Double) {
        load = nil
        self.failure = failure
        retryAt = now + policy.backOff(jitter: jitter)
    }

    /// A value came from outside.
    mutating func put(now: BootTime) {
        epoch &+= 1
        held = Held(began: now, produced: now)
        failure = nil
        retryAt = .longAgo
    }

    /// The value is no longer wanted.
    mutating func invalidate() {
        epoch &+= 1
        held = nil
        failure = nil
        retryAt = .longAgo
    }

    /// The value went out of memory for want of room.
    mutating func evict() {
        held = nil
    }
}

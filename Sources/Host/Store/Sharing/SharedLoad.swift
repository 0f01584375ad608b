public import HostValues

/// The way of one call to a value that the hosts of a cluster share: taken from the store, waited for while another host
/// loads it, or loaded here for all.
///
/// Pure: it is told what the store answered, with the time since the boot, and answers the next step. The table has for
/// each event and each state the state after it, then the step. A dot changes nothing.
///
///     event       reading     offering    beginning   waiting     over
///     found       offeringO   .           .           .           .
///     nothing     beginningB  .           .           .           .
///     loads       waitingW    .           .           .           .
///     failed      overF       .           .           .           .
///     refused     .           beginningB  .           .           .
///     begun       .           .           overL       .           .
///     changed     .           .           readingR    .           .
///     away        overA       .           overA       .           .
///     deadline    .           .           .           readingR    .
///     hint        .           .           .           readingR    .
///
///     R: read   O: offer the value to the cache   B: commit that this host loads   W: wait   L: run the source for all
///     F: fail as the source did elsewhere   A: go on without the store
///
/// The first four are readings: of a value with a known age, and else by the load's record. A value that is refused is
/// followed by the same: begin if nobody loads, if the load failed long enough ago, or if the host that loads has given no
/// sign of life for so long that it is dead; wait while it is alive.
///
/// A load begins with a commit that holds only if load and value are as they were read. So of several hosts one loads, and
/// none begins when there is a value already that it has not seen.
public struct SharedLoad: Equatable, Sendable {
    /// What the call wants.
    public struct Wish: Equatable, Sendable {
        /// Whether only a load that begins after the call will do; so the failure of another one is of no interest.
        public var isStrict: Bool
        /// Whether it may wait for another host. One within another load may not: that host may be waiting for this one.
        public var mayWait: Bool
        /// Whether there is a source to load from.
        public var canLoad: Bool

        /// Makes a wish from its parts.
        public init(isStrict: Bool = false, mayWait: Bool = true, canLoad: Bool = true) {
            self.isStrict = isStrict
            self.mayWait = mayWait
            self.canLoad = canLoad
        }
    }

    /// Where the call stands.
    public enum State: Equatable, Sendable {
        /// The store is asked for load and value.
        case reading
        /// The value is offered to the cache.
        case offering(SharedReading.Load, value: UInt64)
        /// The commit is under way that begins a load.
        case beginning
        /// Another host loads. The store is asked again at that time.
        case waiting(until: BootTime)
        /// Nothing is left to be done here.
        case over
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// The store has this.
        case reading(SharedReading)
        /// The value that was offered does not do.
        case refused
        /// The load has begun, with that version.
        case begun(UInt64)
        /// It has not: load or value are not as they were read.
        case changed
        /// The store does not answer, or nobody knows what it did.
        case away
        /// The time has come.
        case deadline
        /// The load may be over, or the time has come and it was watched meanwhile.
        case hint
    }

    /// What is to be done.
    public enum Step: Equatable, Sendable {
        /// Read load and value.
        case read
        /// Take this value if it does, else tell `refused`.
        case offer(SharedReading.Value, Novelty)
        /// Commit that this host loads, if load and value have these versions; 0: there is none.
        case begin(load: UInt64, value: UInt64)
        /// Tell `deadline` at that time, or `hint`, maybe sooner.
        case wait(until: BootTime)
        /// Run the source, for all.
        case load(begun: UInt64)
        /// Fail as the source did on another host; it is left alone for so many ns more.
        case fail(SharedFailure, left: Int64)
        /// Go on as if there were no store.
        case alone
    }

    /// How new a value is for the call.
    public enum Novelty: Equatable, Sendable {
        /// It was there when the call first asked.
        case known
        /// It has come since, by a load that had begun before.
        case ended
        /// Its load began since.
        case begun
    }

    /// A load whose record has not changed for so long has nobody any more who performs it, in ns.
    public static let patience: Int64 = 10_000_000_000
    /// How often a host that loads gives a sign of life, in ns.
    public static let sign = patience / 3
    /// How long the first wait for another host is, and the longest, in ns: each is twice as long as the one before it. Where
    /// the store tells of changes, the second one is the longest already.
    static let shortestPause: Int64 = 5_000_000
    static let longestPause: Int64 = 200_000_000
    /// How often a load is begun in vain. Each time another host has begun or ended one at that moment.
    private static let mostTries = 100

    /// Where it stands.
    public private(set) var state = State.reading
    /// Whether it has waited for another host.
    public private(set) var hasWaited = false
    private let wish: Wish
    /// The versions that the first reading had: that of the value, and the newer one of value and load, after which all
    /// begins that began after the call.
    private var first: (value: UInt64, newest: UInt64)?
    /// The record of the load in progress, and since when it has been so.
    private var watched: (version: UInt64, since: BootTime)?
    private var pause = shortestPause
    private var tries = 0

    /// A call; its first step is to read.
    public init(_ wish: Wish) { self.wish = wish }

    /// Takes an event; returns the next step, or nil where nothing is to be done.
    public mutating func handle(_ event: Event, at now: BootTime) -> Step? {
        switch (state, event) {
        case (.reading, .reading(let reading)): return take(reading, now)
        case (.offering(let load, let value), .refused): return look(load, value, now)
        case (.beginning, .begun(let version)): return end(.load(begun: version))
        case (.beginning, .changed):
            tries += 1
            if tries >= Self.mostTries { return end(.alone) }
            state = .reading
            return .read
        case (.reading, .away), (.beginning, .away): return end(.alone)
        case (.waiting(let until), .deadline):
            if now < until { return .wait(until: until) }
            state = .reading
            return .read
        case (.waiting, .hint):
            pause = Self.longestPause
            state = .reading
            return .read
        case (.reading, _), (.offering, _), (.beginning, _), (.waiting, _), (.over, _): return nil
        }
    }

    private mutating func end(_ step: Step) -> Step {
        state = .over
        return step
    }

    private mutating func take(_ reading: SharedReading, _ now: BootTime) -> Step {
        let version = reading.value?.version ?? 0
        let before = first ?? (value: version, newest: max(version, reading.load.version))
        first = before
        // A value whose age nobody knows does for nobody.
        guard let value = reading.value, value.produced != nil else { return look(reading.load, version, now) }
        state = .offering(reading.load, value: version)
        return .offer(value, value.begun > before.newest ? .begun : version > before.value ? .ended : .known)
    }

    private mutating func look(_ load: SharedReading.Load, _ value: UInt64, _ now: BootTime) -> Step {
        switch load {
        case .none: return begin(0, value)
        case .failed(let version, let failure, let left):
            return !wish.isStrict && left > 0 ? end(.fail(failure, left: left)) : begin(version, value)
        case .running(let version):
            if watched?.version != version { watched = (version, now) }
            guard wish.canLoad, wish.mayWait else { return end(.alone) }
            let death = (watched?.since ?? now) + Self.patience
            if now >= death { return begin(version, value) }
            hasWaited = true
            let until = min(now + pause, death)
            pause = min(pause * 2, Self.longestPause)
            state = .waiting(until: until)
            return .wait(until: until)
        }
    }

    private mutating func begin(_ load: UInt64, _ value: UInt64) -> Step {
        guard wish.canLoad else { return end(.alone) }
        state = .beginning
        return .begin(load: load, value: value)
    }

    /// Whether both stand at the same place.
    public static func == (a: SharedLoad, b: SharedLoad) -> Bool {
        a.state == b.state && a.hasWaited == b.hasWaited && a.wish == b.wish
            && a.first?.value == b.first?.value && a.first?.newest == b.first?.newest
            && a.watched?.version == b.watched?.version && a.watched?.since == b.watched?.since && a.pause == b.pause
            && a.tries == b.tries
    }
}

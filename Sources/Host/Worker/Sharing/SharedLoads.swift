internal import HostValues
internal import HostWire

/// The loads that a worker performs for all hosts by one connection, and what the store's worker may have wrong about them.
///
/// Pure. A load goes by the number of the request that began it: that is known before anybody answers, so that a sign of life
/// misses none that is about to begin.
struct SharedLoads: Sendable {
    private struct Load: Hashable {
        let key: SharedKey
        let begun: UInt64
    }

    /// Requests to begin one that have no answer yet.
    var starting: Set<UInt64> = []
    /// The requests that began those in progress.
    private var running: [Load: UInt64] = [:]
    /// Whether a load may be thought to be in progress that is not: nobody has heard that it began, or how its end went. The
    /// next sign of life puts that right.
    var isInDoubt = false

    /// Whether one more can be named in a sign of life.
    var hasRoom: Bool { starting.count + running.count < SharedFrame.mostLoads }

    /// Whether a sign of life is wanted.
    var wantSign: Bool { isInDoubt || !running.isEmpty }

    /// A request to begin a load has its answer, or nobody waits for that any more. It is in progress with a version; without,
    /// it is not, or that is not known.
    mutating func start(_ key: SharedKey, by request: UInt64, begun: UInt64?, isKnown: Bool) {
        starting.remove(request)
        if let begun { running[Load(key: key, begun: begun)] = request }
        if !isKnown { isInDoubt = true }
    }

    /// A load is over; the store has noted that if it is known.
    mutating func end(_ key: SharedKey, begun: UInt64, isKnown: Bool) {
        if running.removeValue(forKey: Load(key: key, begun: begun)) != nil, !isKnown { isInDoubt = true }
    }

    /// The connection is over: the store's worker deletes the records of all that was in progress by it. What is about to begin
    /// may do so by the next one.
    mutating func connectionEnded() {
        running = [:]
        isInDoubt = false
    }

    /// What a sign of life says, which leaves no doubt if it is sent.
    mutating func takeSign() -> [UInt64] {
        isInDoubt = false
        return running.values + Array(starting)
    }
}

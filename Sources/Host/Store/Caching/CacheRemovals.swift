/// The removals in progress of what a cache has outside of this process: a value's file, and what hosts share of it. Accessed
/// only under the cache's lock.
///
/// A value is first dropped from memory, and its copies go while no lock is held. A load that begins in between may have read
/// such a copy, and takes it over when it is gone; so a load that has begun during a removal takes over nothing and runs its
/// source. A load from before is outdated by the drop itself.
struct CacheRemovals {
    private var running: [[UInt8]: Int] = [:]
    /// Grows with each value that is dropped: who has read a copy of one meanwhile must look again.
    private(set) var count: UInt64 = 0

    /// Whether copies of that key's value are being removed.
    func has(_ key: [UInt8]) -> Bool { !running.isEmpty && running[key] != nil }

    /// Notes that a value was dropped, whose copies may stay.
    mutating func note() { count &+= 1 }

    /// Notes that the copies of a value are going to be removed; to be followed by `end`.
    mutating func begin(_ key: [UInt8]) {
        running[key, default: 0] += 1
        count &+= 1
    }

    /// Notes that they are gone.
    mutating func end(_ key: [UInt8]) {
        let others = (running[key] ?? 1) - 1
        running[key] = others > 0 ? others : nil
    }
}

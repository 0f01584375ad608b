internal import CHostSystem
internal import Glibc

/// Waits for several descriptors. epoll(7).
public struct Poller: ~Copyable, Sendable {
    /// What a descriptor is ready for.
    public struct Readiness: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt32
        /// From its bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// There is something to read, or the end.
        public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        /// There is room to write.
        public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// The peer is gone, or the descriptor is broken. Reported without being asked for.
        public static let closed = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
        /// Report a change once, not a state again and again; wakes one of several waiting threads.
        public static let edge = Readiness(rawValue: EPOLLET.rawValue)
    }

    private let descriptor: Descriptor

    /// An empty set.
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("epoll_create1", "event loop") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    /// Begins to watch a descriptor; `token` comes back with its events. The caller keeps it open.
    public func add(_ watched: borrowing Descriptor, for readiness: Readiness, token: UInt64) throws(SystemError) {
        let number = watched.raw
        _ = try retrying("epoll_ctl", "event loop") {
            chs_epoll_add(descriptor.raw, number, readiness.rawValue, token)
        }
    }

    /// Changes what a descriptor is watched for.
    public func modify(_ watched: borrowing Descriptor, for readiness: Readiness, token: UInt64) throws(SystemError) {
        let number = watched.raw
        _ = try retrying("epoll_ctl", "event loop") {
            chs_epoll_modify(descriptor.raw, number, readiness.rawValue, token)
        }
    }

    /// Stops watching. A closed descriptor has left by itself.
    public func remove(_ watched: borrowing Descriptor) {
        _ = chs_epoll_remove(descriptor.raw, watched.raw)
    }

    /// Waits at most `milliseconds` (-1: without end) and hands each event to `body`; returns how many came.
    ///
    /// Several threads may wait at once; the one that came last is woken first. `EINTR` counts as no event.
    public func wait(milliseconds: Int32 = -1, _ body: (UInt64, Readiness) -> Void) throws(SystemError) -> Int {
        let capacity = 64
        var failure: SystemError?
        let count = unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: capacity) { events in
            let count = unsafe epoll_wait(descriptor.raw, events.baseAddress, Int32(capacity), milliseconds)
            if count < 0 {
                let number = chs_errno()
                if number != EINTR { failure = SystemError("epoll_wait", "event loop", number: number) }
                return 0
            }
            for index in 0..<Int(count) {
                let event = unsafe events[index]
                unsafe body(unsafe event.data.u64, Readiness(rawValue: event.events))
            }
            return Int(count)
        }
        if let failure { throw failure }
        return count
    }

    /// Waits for one event of any descriptor, and says whether one came. The cheap form for a pool's threads.
    public func waitForOne(milliseconds: Int32 = -1) throws(SystemError) -> Bool {
        var event = unsafe epoll_event()
        let count = unsafe epoll_wait(descriptor.raw, &event, 1, milliseconds)
        if count < 0 {
            let number = chs_errno()
            if number != EINTR { throw SystemError("epoll_wait", "run queue", number: number) }
        }
        return count > 0
    }
}

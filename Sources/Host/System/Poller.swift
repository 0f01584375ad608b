internal import CHostSystem
internal import Glibc

/// Waits for events of several descriptors. epoll(7).
public struct Poller: ~Copyable, Sendable {
    /// The events that a descriptor is watched for, or that have occurred.
    public struct Readiness: OptionSet, Sendable {
        /// The kernel's bits (`EPOLL...`).
        public let rawValue: UInt32
        /// Makes a set from the kernel's bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Data can be read, or the end was reached.
        public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        /// There is room to write.
        public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// The peer has closed its end, or the descriptor has an error. Always reported.
        public static let closed = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
        /// Report each change once rather than a continuing state; wakes one of several waiting threads.
        public static let edge = Readiness(rawValue: EPOLLET.rawValue)
    }

    private let descriptor: Descriptor

    /// Makes a poller that watches nothing.
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try retrying("epoll_create1", "event loop") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    /// Starts to watch a descriptor; its events carry `token`. The caller keeps it open.
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

    /// Stops watching a descriptor. The kernel removes closed ones by itself.
    public func remove(_ watched: borrowing Descriptor) {
        _ = chs_epoll_remove(descriptor.raw, watched.raw)
    }

    /// Waits at most `milliseconds` (-1: without limit) and passes each event to `body`; returns the number of events.
    ///
    /// Several threads may wait at once; the one that began to wait last is woken first. `EINTR` counts as no event.
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

    /// Waits for one event of any descriptor; returns whether one came. It is cheaper than `wait`, for a pool's
    /// threads.
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

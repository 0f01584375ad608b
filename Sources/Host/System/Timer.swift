internal import CHostSystem
internal import Glibc
public import HostValues

/// A kernel timer with an absolute deadline, whose descriptor becomes readable at that time. timerfd_create(2).
///
/// Unlike a sleep it has no timer slack, and another thread may change its deadline while one waits. Each clock has a
/// timer type of its own, so that no timer is given a deadline of another clock.
struct TimerDescriptor: ~Copyable, Sendable {
    let descriptor: Descriptor
    private let flags: Int32

    /// Makes a disarmed, non-blocking timer. `flags` are those of timerfd_settime(2).
    init(_ clock: clockid_t, flags: Int32 = 0) throws(SystemError) {
        self.flags = flags | Int32(TFD_TIMER_ABSTIME)
        let timer = Descriptor(
            owning: try retrying("timerfd_create", "timer") {
                timerfd_create(clock, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
            })
        // If a system call filter refused this call later, no wait would ever end: it is better to have no timer.
        let flags = self.flags
        _ = try retrying("timerfd_settime", "timer") { Self.set(timer.raw, flags, .max) }
        descriptor = timer
    }

    /// Sets the deadline, in ns on the timer's clock. A past one expires at once; `Int64.max` disarms the timer.
    /// Returns 0 or the errno: ECANCELED if the clock was set just now.
    @discardableResult
    func arm(at deadline: Int64) -> Int32 {
        // Otherwise this fails only for a bad descriptor or value. A bad value would be a bug of ours; a descriptor that a
        // plugin has closed is noticed by the thread that waits for it.
        Self.set(descriptor.raw, flags, deadline) == 0 ? 0 : errno
    }

    private static func set(_ timer: Int32, _ flags: Int32, _ deadline: Int64) -> Int32 {
        var setting = itimerspec()
        if deadline != .max {
            let clamped = max(deadline, 1)
            setting.it_value = timespec(tv_sec: Int(clamped / 1_000_000_000), tv_nsec: Int(clamped % 1_000_000_000))
        }
        return unsafe timerfd_settime(timer, flags, &setting, nil)
    }

    /// Resets an expired timer, so that its descriptor is no longer readable.
    func acknowledge() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor.raw, &count, 8)  // EAGAIN and ECANCELED leave it unreadable too
    }
}

/// A timer whose deadlines include suspends, for periodic work. `CLOCK_BOOTTIME`.
public struct BootTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// Makes a disarmed timer.
    public init() throws(SystemError) { timer = try TimerDescriptor(CLOCK_BOOTTIME) }

    /// The descriptor to wait for, with `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms the timer.
    public func arm(at deadline: BootTime) { timer.arm(at: deadline.nanoseconds) }

    /// Resets an expired timer, so that its descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

/// A timer whose deadlines stand still during a suspend, for timeouts of work that must have had its time to run.
/// `CLOCK_MONOTONIC`.
public struct MonotonicTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// Makes a disarmed timer.
    public init() throws(SystemError) { timer = try TimerDescriptor(CLOCK_MONOTONIC) }

    /// The descriptor to wait for, with `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms the timer.
    public func arm(at deadline: MonotonicTime) { timer.arm(at: deadline.nanoseconds) }

    /// Resets an expired timer, so that its descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

/// A timer of the wall clock, which also becomes readable when that clock is set. `CLOCK_REALTIME`.
public struct WallTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// Makes a disarmed timer.
    public init() throws(SystemError) {
        timer = try TimerDescriptor(CLOCK_REALTIME, flags: Int32(TFD_TIMER_CANCEL_ON_SET))
    }

    /// The descriptor to wait for, with `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms the timer. Returns false if the clock was set just
    /// now: the timer is armed, but does not report that.
    public func arm(at deadline: WallTime) -> Bool { timer.arm(at: deadline.nanoseconds) != ECANCELED }

    /// Resets an expired timer, so that its descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

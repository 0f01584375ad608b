internal import CHostSystem
internal import Glibc
public import HostValues

/// A kernel timer with an absolute deadline, readable when it has expired. timerfd_create(2).
///
/// Unlike a sleep it has no timer slack, and another thread may move its deadline while one waits. Each clock has a timer
/// of its own type, so that none is given a deadline of another clock.
struct TimerDescriptor: ~Copyable, Sendable {
    let descriptor: Descriptor
    private let flags: Int32

    /// A disarmed, non-blocking timer. `flags` are those of timerfd_settime(2).
    init(_ clock: clockid_t, flags: Int32 = 0) throws(SystemError) {
        self.flags = flags | Int32(TFD_TIMER_ABSTIME)
        descriptor = Descriptor(
            owning: try retrying("timerfd_create", "timer") {
                timerfd_create(clock, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
            })
    }

    /// Sets the deadline, ns on the timer's clock. A past one expires at once; `Int64.max` disarms.
    func arm(at deadline: Int64) {
        var setting = itimerspec()
        if deadline != .max {
            let clamped = max(deadline, 1)
            setting.it_value = timespec(tv_sec: Int(clamped / 1_000_000_000), tv_nsec: Int(clamped % 1_000_000_000))
        }
        // Fails only for a bad descriptor or value, which are our own bugs: a plugin that closed the
        // descriptor is found by whoever waits for it.
        _ = unsafe timerfd_settime(descriptor.raw, flags, &setting, nil)
    }

    /// Takes an expiry off, so that the descriptor is no longer readable.
    func acknowledge() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor.raw, &count, 8)  // EAGAIN and ECANCELED are as good
    }
}

/// A timer whose deadlines count suspends: for cadence. `CLOCK_BOOTTIME`.
public struct BootTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// A disarmed timer.
    public init() throws(SystemError) { timer = try TimerDescriptor(CLOCK_BOOTTIME) }

    /// To wait for, by `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms.
    public func arm(at deadline: BootTime) { timer.arm(at: deadline.nanoseconds) }

    /// Takes an expiry off, so that the descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

/// A timer whose deadlines stand still during a suspend: for what must have had its time to run. `CLOCK_MONOTONIC`.
public struct MonotonicTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// A disarmed timer.
    public init() throws(SystemError) { timer = try TimerDescriptor(CLOCK_MONOTONIC) }

    /// To wait for, by `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms.
    public func arm(at deadline: MonotonicTime) { timer.arm(at: deadline.nanoseconds) }

    /// Takes an expiry off, so that the descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

/// A timer of the wall clock, which also becomes readable when that clock is set. `CLOCK_REALTIME`.
public struct WallTimer: ~Copyable, Sendable {
    private let timer: TimerDescriptor

    /// A disarmed timer.
    public init() throws(SystemError) {
        timer = try TimerDescriptor(CLOCK_REALTIME, flags: Int32(TFD_TIMER_CANCEL_ON_SET))
    }

    /// To wait for, by `Poller` or `EventLoop`.
    public var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Sets the deadline. A past one expires at once; `never` disarms.
    public func arm(at deadline: WallTime) { timer.arm(at: deadline.nanoseconds) }

    /// Takes an expiry off, so that the descriptor is no longer readable.
    public func acknowledge() { timer.acknowledge() }
}

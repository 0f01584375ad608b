internal import CHostSystem
internal import Glibc

/// A kernel timer with an absolute deadline, readable when it has expired. timerfd_create(2).
///
/// Unlike a sleep it has no timer slack, and another thread may move its deadline while one waits.
public struct TimerDescriptor: ~Copyable, Sendable {
    /// The clock that its deadlines are of.
    public enum Clock: Sendable {
        /// Since the boot, suspend included: for cadence.
        case boot
        /// Since the boot, suspend excluded: for deadlines of something that must run.
        case monotonic
        /// The wall clock; the timer also becomes readable when the clock is set.
        case wall
    }

    /// To wait for, by `Poller` or `EventLoop`.
    public let descriptor: Descriptor
    private let flags: Int32

    /// A disarmed, non-blocking timer.
    public init(_ clock: Clock) throws(SystemError) {
        let (id, flags): (clockid_t, Int32) =
            switch clock {
            case .boot: (CLOCK_BOOTTIME, Int32(TFD_TIMER_ABSTIME))
            case .monotonic: (CLOCK_MONOTONIC, Int32(TFD_TIMER_ABSTIME))
            case .wall: (CLOCK_REALTIME, Int32(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
            }
        self.flags = flags
        descriptor = Descriptor(
            owning: try retrying("timerfd_create", "timer") {
                timerfd_create(id, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
            })
    }

    /// Sets the deadline, ns on the timer's clock. A past one expires at once; `Int64.max` disarms.
    public func arm(at deadline: Int64) {
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
    public func acknowledge() {
        var count: UInt64 = 0
        _ = unsafe Glibc.read(descriptor.raw, &count, 8)  // EAGAIN and ECANCELED are as good
    }
}

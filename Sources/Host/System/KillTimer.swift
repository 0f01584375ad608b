internal import CHostSystem
internal import Glibc
public import HostValues

/// A timer with which this process asks the kernel to end it by SIGKILL. timer_create(2), `CLOCK_BOOTTIME`.
///
/// It does so whatever the process is doing then: it may be stopped, spinning or block all signals. If it was frozen past
/// that time, it ends before it runs another instruction. A child made by fork(2) does not have the timer.
@safe public struct KillTimer: ~Copyable {
    // The C library's name of a process's first timer is NULL.
    private let timer: timer_t?

    /// Makes a timer that is not armed. A test may choose another signal, to survive it.
    public init(signal: Int32 = Signals.kill) throws(SystemError) {
        var timer: timer_t?
        _ = try retrying("timer_create", "deadline") { unsafe chs_kill_timer(&timer, signal) }
        unsafe self.timer = unsafe timer
    }

    deinit { unsafe timer_delete(timer) }

    /// Sets when the process is to end. A past time ends it at once; `never` disarms the timer.
    public func arm(at deadline: BootTime) throws(SystemError) {
        let time = deadline == .never ? 0 : max(deadline.nanoseconds, 1)
        _ = try retrying("timer_settime", "deadline") { unsafe chs_kill_timer_set(timer, time) }
    }
}

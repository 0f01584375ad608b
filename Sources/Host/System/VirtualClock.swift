public import HostValues
internal import Synchronization

/// A clock that advances only when it is told to, for running a plugin in virtual time. Any thread may read it.
///
/// All of its clocks advance together: the virtual machine is never suspended, and its wall clock is never set.
public final class VirtualClock: HostClock {
    /// The uptime at the beginning, in ns: longer than any duration that is subtracted from the current time.
    private static let uptime: Int64 = 3_600_000_000_000

    private let beginning: WallTime
    private let passed = Atomic<Int64>(0)

    /// Makes a clock that shows this wall time until it is advanced.
    public init(beginning: WallTime) { self.beginning = beginning }

    private var now: Int64 { passed.load(ordering: .relaxed) }

    /// The virtual uptime.
    public func boot() -> BootTime { BootTime(nanoseconds: Self.uptime + now) }
    /// The same as `boot`.
    public func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: Self.uptime + now) }
    /// The initial time plus the virtual time passed since.
    public func wall() -> WallTime { beginning + now }

    /// Advances the clock to that time; it never goes back. Only one thread at a time may call it.
    public func advance(to time: BootTime) {
        let wanted = time.nanoseconds - Self.uptime
        if wanted > now { passed.store(wanted, ordering: .relaxed) }
    }
}

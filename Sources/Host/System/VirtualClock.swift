public import HostValues
internal import Synchronization

/// A clock that stands still until it is moved, for a plugin that is tried in virtual time. Any thread may read it.
///
/// All of its times go on together: nothing suspends such a machine, and nobody sets its clock.
public final class VirtualClock: HostClock {
    /// What the machine has been up for when it begins, ns: more than anything that is subtracted from a time of now.
    private static let uptime: Int64 = 3_600_000_000_000

    private let beginning: WallTime
    private let passed = Atomic<Int64>(0)

    /// A clock that shows this time of the wall clock until it is moved.
    public init(beginning: WallTime) { self.beginning = beginning }

    private var now: Int64 { passed.load(ordering: .relaxed) }

    /// Since the boot of a machine that has no other past.
    public func boot() -> BootTime { BootTime(nanoseconds: Self.uptime + now) }
    /// The same as `boot`.
    public func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: Self.uptime + now) }
    /// The time that it began with, and what has passed since.
    public func wall() -> WallTime { beginning + now }

    /// Moves it on to that time; it never goes back. One thread at a time.
    public func advance(to time: BootTime) {
        let wanted = time.nanoseconds - Self.uptime
        if wanted > now { passed.store(wanted, ordering: .relaxed) }
    }
}

internal import HostSystem
internal import HostValues

/// A plugin's clock, as its routines read it: the kernel's clocks are read without a detour, and a routine takes 8 bytes for
/// it, where `any HostClock` takes 40.
@safe struct TurnClock: HostClock, @unchecked Sendable {
    // @unchecked: the box is immutable, and a clock may be read on any thread.

    /// Another clock than the kernel's.
    final class Box: Sendable {
        fileprivate let clock: any HostClock

        fileprivate init(_ clock: any HostClock) { self.clock = clock }
    }

    private let other: Unmanaged<Box>?

    /// A clock with the box that has to outlive it; nil for the kernel's.
    init(in box: Box?) { unsafe other = unsafe box.map { unsafe .passUnretained($0) } }

    /// The box of a clock; nil for the kernel's.
    static func box(_ clock: any HostClock) -> Box? { type(of: clock) == SystemClock.self ? nil : Box(clock) }

    @inline(__always)
    func boot() -> BootTime {
        guard let other = unsafe other else { return SystemClock().boot() }
        return unsafe other._withUnsafeGuaranteedRef { $0.clock.boot() }
    }

    @inline(__always)
    func monotonic() -> MonotonicTime {
        guard let other = unsafe other else { return SystemClock().monotonic() }
        return unsafe other._withUnsafeGuaranteedRef { $0.clock.monotonic() }
    }

    func wall() -> WallTime {
        guard let other = unsafe other else { return SystemClock().wall() }
        return unsafe other._withUnsafeGuaranteedRef { $0.clock.wall() }
    }

    func wallMilliseconds() -> Int64 {
        guard let other = unsafe other else { return SystemClock().wallMilliseconds() }
        return unsafe other._withUnsafeGuaranteedRef { $0.clock.wallMilliseconds() }
    }
}

internal import HostSystem
internal import HostValues

/// A plugin's clock, as its routines read it: the kernel's clocks are read without a detour, and a routine takes 8 bytes for
/// it, where `any HostClock` takes 40.
@safe struct TurnClock: HostClock, @unchecked Sendable {
    // @unchecked: the box is immutable, and a clock may be read on any thread.

    /// Another clock than the kernel's. Who makes the clock keeps its box.
    final class Box: Sendable {
        fileprivate let clock: any HostClock

        fileprivate init(_ clock: any HostClock) { self.clock = clock }
    }

    @safe private enum Source {
        case kernel(SystemClock)
        case other(Unmanaged<Box>)
    }

    private let source: Source

    /// A clock that reads this one, and the box that has to outlive it; nil where it needs none.
    static func reading(_ clock: any HostClock) -> (clock: TurnClock, box: Box?) {
        if let kernel = clock as? SystemClock { return (TurnClock(source: .kernel(kernel)), nil) }
        let box = Box(clock)
        return (TurnClock(source: unsafe .other(.passUnretained(box))), box)
    }

    @inline(__always)
    func boot() -> BootTime {
        switch source {
        case .kernel(let clock): clock.boot()
        case .other(let box): unsafe box._withUnsafeGuaranteedRef { $0.clock.boot() }
        }
    }

    @inline(__always)
    func monotonic() -> MonotonicTime {
        switch source {
        case .kernel(let clock): clock.monotonic()
        case .other(let box): unsafe box._withUnsafeGuaranteedRef { $0.clock.monotonic() }
        }
    }

    func wall() -> WallTime {
        switch source {
        case .kernel(let clock): clock.wall()
        case .other(let box): unsafe box._withUnsafeGuaranteedRef { $0.clock.wall() }
        }
    }

    func wallMilliseconds() -> Int64 {
        switch source {
        case .kernel(let clock): clock.wallMilliseconds()
        case .other(let box): unsafe box._withUnsafeGuaranteedRef { $0.clock.wallMilliseconds() }
        }
    }
}

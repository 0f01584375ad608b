internal import HostSystem
internal import HostValues

/// Has a thread woken when somebody sets the wall clock: sessions that go by it look at it again then, and do not sleep on for
/// as long as they had meant to. timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`
struct ClockWatch: ~Copyable {
    /// The timer is armed for a time that never comes.
    private static let farFuture = WallTime(nanoseconds: 1 << 62)

    private let timer: WallTimer
    private var hasBegun = false

    init() throws(SystemError) { timer = try WallTimer() }

    /// Readable when the clock was set.
    var descriptor: Descriptor { _read { yield timer.descriptor } }

    /// Begins, with the first session that goes by the wall clock: until then nobody is woken. `look` is called if the clock
    /// was set just now, which the timer would not report.
    mutating func begin(_ look: () -> Void) {
        if hasBegun { return }
        hasBegun = true
        arm(look)
    }

    /// Goes on watching after the descriptor was readable.
    func wasSet(_ look: () -> Void) {
        timer.acknowledge()
        arm(look)
        look()
    }

    private func arm(_ look: () -> Void) { while !timer.arm(at: Self.farFuture) { look() } }
}

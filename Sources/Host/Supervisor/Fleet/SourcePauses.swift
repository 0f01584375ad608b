internal import HostSystem
internal import HostValues

/// Sources of one worker that are left alone for a while, and when each is read again; and one time more at which to look.
///
/// It has a timer of the system only once there is something to wait for, which is in a flood.
final class SourcePauses {
    /// Timers that can be held by an optional.
    private final class Alarm {
        let timer: MonotonicTimer
        var token: EventLoop.Token?

        init() throws(SystemError) { timer = try MonotonicTimer() }
    }

    private let loop: EventLoop
    private let clock: any HostClock
    private let wake: ([Int]) -> Void
    private var until: [Int: MonotonicTime] = [:]
    private var nextCheck: MonotonicTime?
    private var alarm: Alarm?

    /// No pause. `wake` is told which sources may be read again, and is called at the time to look too.
    init(loop: EventLoop, clock: any HostClock, wake: @escaping ([Int]) -> Void) {
        self.loop = loop
        self.clock = clock
        self.wake = wake
    }

    /// Whether a source is left alone.
    func isPaused(_ source: Int) -> Bool { until[source] != nil }

    /// Leaves a source alone for so many ns; false where no timer can be had.
    func pause(_ source: Int, for time: Int64) -> Bool {
        until[source] = clock.monotonic() + time
        if arm() { return true }
        until[source] = nil
        return false
    }

    /// Looks at that time.
    func look(at time: MonotonicTime?) {
        guard time != nextCheck else { return }
        nextCheck = time
        _ = arm()
    }

    /// Waits for nothing any more.
    func stop() {
        until = [:]
        nextCheck = nil
        guard let alarm, let token = alarm.token else { return }
        loop.unwatch(alarm.timer.descriptor, token)
        self.alarm = nil
    }

    private func arm() -> Bool {
        let time = min(until.values.min() ?? .never, nextCheck ?? .never)
        if alarm == nil, time == .never { return true }
        do throws(SystemError) {
            if alarm == nil { alarm = try made() }
            alarm?.timer.arm(at: time)
            return true
        } catch {
            return false
        }
    }

    private func made() throws(SystemError) -> Alarm {
        let alarm = try Alarm()
        alarm.token = try loop.watch(alarm.timer.descriptor) { [weak self] _ in self?.ring() }
        return alarm
    }

    private func ring() {
        alarm?.timer.acknowledge()
        let now = clock.monotonic()
        let due = until.filter { $0.value <= now }.keys.sorted()
        for source in due { until[source] = nil }
        wake(due)
        _ = arm()
    }
}

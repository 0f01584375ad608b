import HostValues
import Testing

@testable import HostSupervisor

private let second: Int64 = 1_000_000_000

/// The supervisor's timers in virtual time.
@Suite struct DeadlinesTests {
    /// A patient timer and one that is not, each set to so many seconds; then nothing runs from one time to another.
    private func times(_ wait: Int64, frozen: Range<Int64>) -> (patient: Int64?, plain: Int64?) {
        let deadlines = Deadlines()
        let clock = TestClock()
        let start = clock.monotonic()
        var came: (patient: Int64?, plain: Int64?)
        let patient = deadlines.make(isPatient: true) { came.patient = ($0 - start) / second }
        let plain = deadlines.make { came.plain = ($0 - start) / second }
        deadlines.set(patient, at: start + wait * second)
        deadlines.set(plain, at: start + wait * second)
        deadlines.run(clock, for: frozen.lowerBound * second + second / 2)
        clock.advance(seconds: frozen.upperBound - frozen.lowerBound)
        deadlines.settle(now: clock.monotonic())
        // What is set again to the time that it has keeps what it was given.
        if came.patient == nil { deadlines.set(patient, at: start + wait * second) }
        deadlines.run(clock, for: 100 * second)
        #expect(deadlines.earliest == .never, "nothing is waited for, and nothing wakes the loop")
        return came
    }

    @Test(arguments: [(Int64(0), Int64(8)), (3, 9), (4, 30)])
    func `what is waited for patiently has its whole time, however long nothing runs`(start: Int64, end: Int64) throws {
        let came = times(5, frozen: start..<end)
        let patient = try #require(came.patient)
        #expect(patient >= 5 + end - start - 1 && patient <= 5 + end - start, "\(patient)")
        let plain = try #require(came.plain)
        #expect(plain <= end)
    }

    @Test func `what is a little late is on time`() {
        #expect(times(5, frozen: 2..<3).patient == 5)
    }

    @Test func `a timer that is taken back, or removed, wakes nobody`() {
        let deadlines = Deadlines()
        let clock = TestClock()
        let timer = deadlines.make(isPatient: true) { _ in Issue.record("it came") }
        deadlines.set(timer, at: clock.monotonic() + second)
        deadlines.set(timer, at: nil)
        deadlines.run(clock, for: 5 * second)
        #expect(deadlines.earliest == .never)
        deadlines.set(timer, at: clock.monotonic() + second)
        deadlines.remove(timer)
        deadlines.run(clock, for: 5 * second)
        #expect(deadlines.earliest == .never)
    }
}

import HostTestKit
import HostValues
import Testing

@testable import HostSystem

@Suite("Clocks")
struct ClockTests {
    @Test("times beyond the year 2262 are the end of the numbers, in ms they go on")
    func end() {
        #expect(SystemClock.nanoseconds(seconds: 9_223_372_036, and: 854_775_807) == .max)
        #expect(SystemClock.nanoseconds(seconds: 9_223_372_036, and: 854_775_808) == .max)
        #expect(SystemClock.nanoseconds(seconds: 10_413_792_000, and: 0) == .max)
        #expect(SystemClock.nanoseconds(seconds: -10_413_792_000, and: 0) == .min)
        #expect(SystemClock.nanoseconds(seconds: 1, and: 5) == 1_000_000_005)
        let clock = SystemClock()
        #expect(abs(clock.wall().milliseconds - clock.wallMilliseconds()) < 1000)
    }

    @Test("the boot clock's offset in a time namespace")
    func offset() {
        let text = "monotonic           7         0\nboottime           -3 500000000\n"
        #expect(bootClockOffset(in: text) == -2_500_000_000)
        for wrong in ["", "boottime", "boottime x 0", "boottime 99999999999 0", "monotonic 5 0"] {
            #expect(bootClockOffset(in: wrong) == 0)
        }
    }
}

import HostValues
import Testing

/// The forms in which a length of time is shown, at the edges of their units.
struct DurationTextTests {
    @Test(arguments: [
        (Int64(0), "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_949, "59.9 s"), (59_950, "1m 00.0s"),
        (63_200, "1m 03.2s"),
        (3_599_949, "59m 59.9s"), (3_599_950, "1h 00m"), (3_600_000, "1h 00m"), (86_399_999, "23h 59m"),
        (86_400_000, "1d 00h"), (-1500, "-1.5 s"), (.min, "-106751991167d 07h"), (.max, "106751991167d 07h"),
    ]) func `how long something took`(_ milliseconds: Int64, _ text: String) {
        #expect(DurationText.format(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0 ms"), (500, "500 ms"), (1000, "1 s"), (90_000, "90 s"), (600_000, "10 min"), (3_600_000, "1 h"),
        (86_400_000, "1 day"), (172_800_000, "2 days"), (129_600_000, "36 h"), (.max, "18446744073709551615 ms"),
    ]) func `a setting, exactly`(_ milliseconds: UInt64, _ text: String) {
        #expect(DurationText.exact(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [
        (Int64(-1), "0s"), (999, "0s"), (59_999, "59s"), (60_000, "1m"), (3_599_999, "59m"), (3_600_000, "1h"),
        (172_799_999, "47h"), (172_800_000, "2d"),
    ]) func `a narrow column`(_ milliseconds: Int64, _ text: String) {
        #expect(DurationText.short(milliseconds: milliseconds) == text)
    }

    @Test(arguments: [
        (Int64(0), "0ns"), (999, "999ns"), (1000, "1.00us"), (12_345, "12.3us"), (4_567_890, "4.56ms"),
        (1_200_000_000, "1.20s"), (310_000_000_000, "310s"),
    ]) func `a measurement`(_ nanoseconds: Int64, _ text: String) {
        #expect(DurationText.measured(nanoseconds: nanoseconds) == text)
    }
}

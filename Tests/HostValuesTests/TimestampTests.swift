import Testing

@testable import HostValues

/// Times as people write them.
@Suite struct TimestampTests {
    static let accepted: [(String, Int64)] = [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00z", 0), ("2026-11-24 18:30:00Z", 1_795_545_000_000),
        ("2026-11-24T18:30:00.25Z", 1_795_545_000_250), ("2026-11-24T18:30:00.123456789Z", 1_795_545_000_123),
        ("2026-11-24T18:30:00+01:00", 1_795_541_400_000), ("2026-11-24T18:30:00-05:30", 1_795_564_800_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000), ("1969-12-31T23:59:59.999Z", -1),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("2038-01-19T03:14:08Z", 2_147_483_648_000),
    ]

    @Test(arguments: accepted) func parse(text: String, expected: Int64) {
        #expect(Timestamp.parse(text) == expected)
    }

    @Test(arguments: [
        "", "now", "2026", "2026-11-24", "2026-11-24T18", "2026-11-24T18:30:00", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-11-00T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T00:60:00Z", "2026-11-24T00:00:61Z",
        "2026-11-24T00:00:00.Z", "2026-11-24T00:00:00+24:00", "2026-11-24T00:00:00+0100", "2026-11-24T00:00:00Z ",
        "2026-11-24T00:00:00ZZ", "26-11-24T00:00:00Z", "2026/11/24T00:00:00Z", "2026-11-24T٠٠:00:00Z",
        "-026-11-24T00:00:00Z",
    ]) func refuse(text: String) {
        #expect(Timestamp.parse(text) == nil)
    }

    @Test func daysOfFourHundredYearsComeBack() {
        for day in stride(from: Int64(-73_049), through: 73_049, by: 13) {
            let milliseconds = day * 86_400_000 + (day & 0xFFFF)
            #expect(Timestamp.parse(Timestamp.format(milliseconds)) == milliseconds)
        }
        #expect(Timestamp.format(.min) == "0000-01-01T00:00:00Z")
        #expect(Timestamp.format(.max) == "9999-12-31T23:59:59.999Z")
    }

    @Test func until() {
        #expect(Until("never") == .never)
        #expect(Until("00:00") == .timeOfDay(hour: 0, minute: 0))
        #expect(Until("23:59") == .timeOfDay(hour: 23, minute: 59))
        #expect(Until("1970-01-01T00:00:01Z") == .moment(1000))
        for text in ["", "24:00", "12:60", "1:30", "12:3", "12-30", "12:300", "Never", "１２:30"] {
            #expect(Until(text) == nil)
        }
        for text in ["never", "08:05", "2026-11-24T18:30:00Z"] { #expect(Until(text)?.description == text) }
    }
}

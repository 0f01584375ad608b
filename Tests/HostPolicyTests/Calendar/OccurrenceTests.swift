import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Which points in time a schedule names.
@Suite struct OccurrenceTests {
    /// The rows of a file in `Tests/Fixtures`.
    private static func rows(_ name: String = "occurrences.tsv") throws -> [[String]] {
        let folder = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let bytes = try Directory(folder + "/Fixtures").openForReading(name).readAll(limit: 1 << 20, subject: name)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            line.split(separator: "\t").map { String($0) }
        }
    }

    @Test func everyRowOfTheTable() throws {
        let rows = try Self.rows()
        #expect(rows.count == 300)
        for row in rows {
            let zone = try CalendarKit.zone(row[1], from: CalendarKit.seconds(row[2]))
            let found = try CalendarKit.next(row[0], in: zone, after: row[2], count: 4)
            #expect(found.joined(separator: ",") == row[3], "\(row[0]) in \(row[1]) after \(row[2])")
            let normal = try ScheduleText.normal(row[0], isZone: TimeZones.has)
            #expect(try CalendarKit.schedule(normal) == CalendarKit.schedule(row[0]), "\(row[0]): \(normal)")
        }
    }

    /// Lists, steps, days from the month's end, leap days, zones of odd offsets, a day that does not exist, both day fields: in
    /// each way to treat the clocks' changes.
    @Test func everyNeighbour() throws {
        let rows = try Self.rows("occurrences-dst.tsv")
        #expect(rows.count == 76)
        for row in rows {
            let zone = try CalendarKit.zone(row[1], from: CalendarKit.seconds(row[2]))
            let dst = try #require(DaylightSaving(rawValue: row[3]))
            let expected = row[4].split(separator: ",").map { String($0) }
            let found = try CalendarKit.next(row[0], in: zone, after: row[2], count: expected.count, dst: dst)
            #expect(!expected.isEmpty && found == expected, "\(row[0]) in \(row[1]) after \(row[2]), \(dst)")
            let normal = try ScheduleText.normal(row[0], isZone: TimeZones.has)
            #expect(try CalendarKit.schedule(normal) == CalendarKit.schedule(row[0]), "\(row[0]): \(normal)")
        }
    }

    static let changes: [(String, String, String, DaylightSaving, String)] = [
        // The clocks of Berlin go from 02:00 to 03:00 at 01:00 UTC on 2026-03-29, and from 03:00 to 02:00 at 01:00 UTC on 2026-10-25.
        ("02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", .once, "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"),
        ("02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", .skip, "2026-03-30T00:30:00Z 2026-03-31T00:30:00Z"),
        ("02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", .wall, "2026-03-30T00:30:00Z 2026-03-31T00:30:00Z"),
        ("02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", .once, "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"),
        ("02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", .skip, "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"),
        ("02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", .wall, "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z"),
        // What comes after the gap in the same hour is a run of its own.
        ("02,03:15", "Europe/Berlin", "2026-03-29T00:30:00Z", .once, "2026-03-29T01:00:00Z 2026-03-29T01:15:00Z"),
        // A cadence goes on through both.
        ("*:30", "Europe/Berlin", "2026-03-29T00:00:00Z", .once, "2026-03-29T00:30:00Z 2026-03-29T01:30:00Z"),
        ("*:30", "Europe/Berlin", "2026-10-25T00:00:00Z", .once, "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z"),
        ("02:0/30", "Europe/Berlin", "2026-10-25T00:30:00Z", .once, "2026-10-25T01:00:00Z 2026-10-25T01:30:00Z"),
        ("02:00,30", "Europe/Berlin", "2026-10-25T00:30:00Z", .once, "2026-10-26T01:00:00Z 2026-10-26T01:30:00Z"),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", .once, "2026-10-25T01:00:00Z 2026-10-25T01:30:00Z"),
        ("0,30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", .once, "2026-10-26T01:00:00Z 2026-10-26T01:30:00Z"),
        ("* * * * *", "Europe/Berlin", "2026-10-25T00:59:00Z", .skip, "2026-10-25T02:00:00Z 2026-10-25T02:01:00Z"),
        // Half an hour, two hours, a whole day.
        ("02:10", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", .once, "2026-10-03T15:30:00Z 2026-10-04T15:10:00Z"),
        ("02:30", "Antarctica/Troll", "2026-03-28T12:00:00Z", .once, "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"),
        ("12:00", "Pacific/Apia", "2011-12-29T23:00:00Z", .once, "2011-12-30T10:00:00Z 2011-12-30T22:00:00Z"),
        // Midnight is named, and does not exist that day.
        ("daily", "America/Santiago", "2026-09-05T12:00:00Z", .once, "2026-09-06T04:00:00Z 2026-09-07T03:00:00Z"),
        // The hour that comes twice is the last one of a day.
        ("23:30", "America/Santiago", "2026-04-04T12:00:00Z", .once, "2026-04-05T02:30:00Z 2026-04-06T03:30:00Z"),
        ("23:30", "America/Santiago", "2026-04-04T12:00:00Z", .wall, "2026-04-05T02:30:00Z 2026-04-05T03:30:00Z"),
    ]

    @Test(arguments: changes) func whenClocksAreSet(
        text: String, zone: String, base: String, dst: DaylightSaving, expected: String
    ) throws {
        let rules = try CalendarKit.zone(zone, from: CalendarKit.seconds("2011-06-01T00:00:00Z"))
        #expect(
            try CalendarKit.next(text, in: rules, after: base, count: 2, dst: dst).joined(separator: " ") == expected)
    }

    static let plain: [(String, String, String)] = [
        ("Mon..Fri 09:30", "2026-11-27T09:30:00Z", "2026-11-30T09:30:00Z"),
        ("Fri *-*-13", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00Z"),
        ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("0 0 */13 * 5", "2026-01-03T00:00:00Z", "2026-02-27T00:00:00Z"),
        ("*-*~1 18:00", "2028-02-01T00:00:00Z", "2028-02-29T18:00:00Z"),
        ("Mon *-05~07/1", "2026-01-01T00:00:00Z", "2026-05-25T00:00:00Z"),
        ("*-*~3..2", "2026-02-01T00:00:00Z", ""),
        ("Mon *-02-29", "2026-01-01T00:00:00Z", "2044-02-29T00:00:00Z"),
        ("Mon *-02-29", "2072-03-01T00:00:00Z", "2112-02-29T00:00:00Z"),
        ("*-02-29", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"),
        ("2199-12-31 23:59:59", "2026-01-01T00:00:00Z", "2199-12-31T23:59:59Z"),
        ("2003-01-05", "2026-01-01T00:00:00Z", "never"), ("1970-1-1", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"),
        ("minutely", "2199-12-31T23:59:00Z", "never"), ("*:*:*", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
        ("12:00:45,50", "2026-01-01T12:00:45Z", "2026-01-01T12:00:50Z"),
        ("0 12 * * 7", "2026-11-27T00:00:00Z", "2026-11-29T12:00:00Z"),
        ("0 0 30 2 1", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"),
    ]

    @Test(arguments: plain) func withoutChanges(text: String, base: String, expected: String) throws {
        if expected.isEmpty {
            #expect(throws: ScheduleTextError.self) { try CalendarKit.schedule(text) }
        } else {
            let found = try CalendarKit.next(text, in: .utc, after: base, count: 1).first ?? "never"
            #expect(found == expected)
        }
    }

    @Test func theEndsOfTime() throws {
        let rule = try CalendarKit.schedule("minutely").rule
        #expect(rule.next(after: .min, in: .utc) == 0)
        #expect(rule.next(after: .max, in: .utc) == nil)
    }

    @Test func whatTheClocksDoToAnOccurrence() throws {
        let berlin = try CalendarKit.zone("Europe/Berlin", from: CalendarKit.seconds("2026-01-01T00:00:00Z"))
        for (text, time, shift) in [
            (
                "02:30", "2026-03-29T01:00:00Z",
                ClockShift.fromGap(named: try CalendarKit.seconds("2026-03-29T02:30:00Z"))
            ),
            ("02:30", "2026-03-28T01:30:00Z", .none), ("02:30", "2026-10-25T00:30:00Z", .firstPass),
            ("02:*", "2026-10-25T01:30:00Z", .secondPass), ("03:00", "2026-10-25T02:00:00Z", .none),
            ("03:00", "2026-03-29T01:00:00Z", .none),
        ] {
            let rule = try CalendarKit.schedule(text).rule
            #expect(rule.shift(of: try CalendarKit.seconds(time), in: berlin) == shift, "\(text) \(time)")
        }
    }
}

import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// What may be written, and what is said about the rest.
@Suite struct ScheduleTextTests {
    private func isZone(_ name: String) -> Bool { ["Europe/Berlin", "UTC", "CET", "Asia/Tokyo"].contains(name) }

    static let normal: [(String, String)] = [
        ("Mon..Fri 09:30", "Mon..Fri *-*-* 09:30:00"), ("09:30:15", "*-*-* 09:30:15"),
        ("*-*~1 9..17/2:30:00 Europe/Berlin", "*-*~01 09..17/2:30:00 Europe/Berlin"),
        ("Mon", "Mon *-*-* 00:00:00"), ("*:0/15", "*-*-* *:00/15:00"), ("*:*/15", "*-*-* *:00/15:00"),
        ("12-25", "*-12-25 00:00:00"), ("95-1-1", "1995-01-01 00:00:00"), ("26-1-1", "2026-01-01 00:00:00"),
        ("minutely", "*-*-* *:*:00"), ("hourly", "*-*-* *:00:00"), ("daily", "*-*-* 00:00:00"),
        ("WEEKLY", "Mon *-*-* 00:00:00"), ("monthly", "*-*-01 00:00:00"), ("yearly UTC", "*-01-01 00:00:00 UTC"),
        ("quarterly", "*-01,04,07,10-01 00:00:00"), ("semiannually", "*-01,07-01 00:00:00"),
        ("Sat,Thu,Mon-Wed,Sat", "Mon..Thu,Sat *-*-* 00:00:00"), ("saturday,SUN 1:2", "Sat,Sun *-*-* 01:02:00"),
        ("*-*-1/3", "*-*-01/3 00:00:00"), ("*-*~7/1", "*-*~07/1 00:00:00"), ("*-1,7-*", "*-01,07-* 00:00:00"),
        ("2026..2028-3..5-2..4 5,3,3:0", "2026..2028-03..05-02..04 03,05:00:00"),
        ("10:00  CET ", "*-*-* 10:00:00 CET"), ("\t*:*:0/20", "*-*-* *:*:00/20"),
        ("30 9 * * MON-FRI", "30 9 * * 1-5"), ("0 0 1 jan,JUL *", "0 0 1 1,7 *"),
        ("*/5 0-23/2 * * 7", "*/5 0-23/2 * * 0"),
        ("30 9 * * 1-5 Europe/Berlin", "30 9 * * 1-5 Europe/Berlin"), ("@daily", "0 0 * * *"),
        ("@hourly UTC", "0 * * * * UTC"),
        ("@Weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@midnight", "0 0 * * *"),
        // A step that leads nowhere is left out, where it could not be read.
        ("*-*/12-29", "*-01-29 00:00:00"), ("*:*/40", "*-*-* *:00/40:00"), ("*:*/60", "*-*-* *:00:00"),
        ("1:59,*", "*-*-* 01:*:00"), ("*-*~30/10", "*-*~30/10 00:00:00"), ("*-*~3/7", "*-*~03 00:00:00"),
        ("*/5 3-03/2 * * 7", "*/5 3 * * 0"), ("0 0 7-7/3 * 7-7/2", "0 0 7 * 0"),
        ("0 0 * * 5-7", "0 0 * * 5-7"), ("0 12 5,*/10 * *", "0 12 5,*/10 * *"),
    ]

    @Test(arguments: normal) func hasANormalForm(text: String, normal: String) throws {
        #expect(try ScheduleText.normal(text, isZone: isZone) == normal)
        #expect(try ScheduleText.normal(normal, isZone: isZone) == normal)
        #expect(try ScheduleText(normal, isZone: isZone) == ScheduleText(text, isZone: isZone))
    }

    static let mistakes: [(String, String)] = [
        (
            "0 30 9 * * 1-5",
            "'0 30 9 * * 1-5' at 1: cron programs read six fields differently: write seconds as *-*-* 09:30:15"
        ),
        (
            "0 30 9 * * MON",
            "'0 30 9 * * MON' at 1: cron programs read six fields differently: write seconds as *-*-* 09:30:15"
        ),
        (
            "0 0 12 ? * MON-FRI 2026",
            "'0 0 12 ? * MON-FRI 2026' at 1: cron programs read seven fields differently: write seconds as *-*-* 09:30:15"
        ),
        ("*/0 * * * *", "'/0' at 2: a step of 0 goes nowhere: it is a number from 1"),
        ("0 */0 * * *", "'/0' at 4: a step of 0 goes nowhere: it is a number from 1"),
        ("*:0/0", "'/0' at 4: a step of 0 goes nowhere: it is a number from 1"),
        ("*/90 * * * *", "'/90' at 2: a step over 60 goes past every minute: leave it out, or name the times"),
        ("0 0 32 * *", "'32' at 5: there is no such day of the month: it is 1 to 31"),
        ("0 24 * * *", "'24' at 3: there is no such hour: it is 0 to 23"),
        ("60 0 * * *", "'60' at 1: there is no such minute: it is 0 to 59"),
        ("0 0 0 * *", "'0' at 5: there is no such day of the month: it is 1 to 31"),
        ("0 0 * 13 *", "'13' at 7: there is no such month: it is 1 to 12"),
        ("0 0 * * 8", "'8' at 9: there is no such day of the week: it is 0 to 7"),
        ("*-*-32", "'32' at 5: there is no such day of the month: it is 1 to 31"),
        ("24:00", "'24' at 1: there is no such hour: it is 0 to 23"),
        ("2200-1-1", "'2200' at 1: there is no such year: it is 1970 to 2199"),
        ("0 0 30 2 *", "'30 2' at 5: none of these months has such a day, so it never comes"),
        ("0 0 31 2,4,6,9,11 *", "'31 2,4,6,9,11' at 5: none of these months has such a day, so it never comes"),
        ("*-2-30", "'*-2-30' at 1: none of these months has such a day, so it never comes"),
        ("50-10 * * * *", "'50-10' at 1: it goes backwards: write two, 50-59,0-10"),
        ("0 0 * * sat-sun", "'sat-sun' at 9: it goes backwards: Sunday at the end of a range is 7"),
        ("*-*~3..1", "'3..1' at 5: it goes backwards: write 1..3, since after ~ the last day is 1"),
        ("22..2:00", "'22..2' at 1: it goes backwards: write two, 22..23,0..2"),
        (
            "Fri..Mon",
            "'Fri..Mon' at 1: it goes backwards: a week begins on Monday here; write two, such as Fri..Sun,Mon"
        ),
        ("5/15 * * * *", "'5/15' at 1: cron programs differ about a step after a single number: write 5-59/15"),
        ("23/3:00", "'23/3' at 1: a step from 23 ends past 23: write 23 alone"),
        ("0 0 L * *", "'L' at 5: is not understood: the calendar form has *-*~1 for the last day of a month"),
        ("0 0 15W * *", "'W' at 7: is not understood: the calendar form has *-*~1 for the last day of a month"),
        ("0 0 * * 5#2", "'#2' at 10: is not understood: the calendar form has *-*~1 for the last day of a month"),
        ("0 0 ? * 1", "'?' at 5: is not understood: write *"),
        ("0 0 1 foo *", "'foo' at 7: there is no such month: it is 1 to 12 or jan to dec"),
        ("0 0, * * *", "',' at 4: the hour is missing: it is 0 to 23"),
        ("08:05:40.5", "'.5' at 9: a schedule has whole seconds: leave the fraction out"),
        ("10:00:00:00", "'10:00:00:00' at 1: has too many parts: a time is HOUR:MINUTE or HOUR:MINUTE:SECOND"),
        ("*~*-1", "'~' at 2: stands before the day only: *-*~1 is the last day of each month"),
        (
            "10:00 Foo/Bar",
            "'Foo/Bar' at 7: there is no time zone of that name under /usr/share/zoneinfo, such as Europe/Berlin"
        ),
        (
            "0 9 * * 1-5 Europe/Berln",
            "'Europe/Berln' at 13: there is no time zone of that name under /usr/share/zoneinfo, such as Europe/Berlin"
        ),
        (
            "10:00 11:00",
            "'11:00' at 7: is one word too many: a calendar is [Mon..Fri] [YEAR-MONTH-DAY] [HOUR:MINUTE] [ZONE]"
        ),
        ("@reboot", "'@reboot' at 1: is no time: with wait_ms the first cycle comes at the start"),
        ("@every 5m", "'@every' at 1: is no time of day: use wait_ms"),
        ("@daily 10:00", "'10:00' at 8: is one word too many: after @daily comes a time zone or nothing"),
        ("", "a schedule is missing, such as Mon..Fri 09:30 or 30 9 * * 1-5"),
        (" \t ", "a schedule is missing, such as Mon..Fri 09:30 or 30 9 * * 1-5"),
    ]

    @Test(arguments: mistakes) func saysWhereAndWhat(text: String, message: String) {
        do throws(ScheduleTextError) {
            _ = try ScheduleText(text, isZone: isZone)
            Issue.record("no error")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test(arguments: [
        "a b c d", "é", "Thursd 10:00", "1", "* 10:00", "*-*-1,,2", "2026-*", "0 9 * * 1–5", "Mon Tue 1:00", "@", "~",
        "-", ":", "::", "*-*-*-*", "1:", ":1", "*:*:*:*", "0x1 * * * *", "+1 * * * *", "*-*~*/2", "Europe/Berlin UTC",
        String(repeating: "1,", count: 600),
    ])
    func refusesTheRest(text: String) {
        #expect(throws: ScheduleTextError.self) { try ScheduleText(text, isZone: isZone) }
    }
}

import HostStore
import HostSystem
import HostValues
import Testing

@testable import HostPolicy

/// Zones: their files, the rules at the end of those, and what is wrong with some.
@Suite struct TimeZoneRulesTests {
    static let rules: [(String, String, Int64)] = [
        ("UTC0", "2026-07-01T00:00:00Z", 0), ("<+0545>-5:45", "2026-07-01T00:00:00Z", 20_700),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600),
        // Hours past 24: two days after the fourth Thursday.
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10_800),
        // Negative hours: an hour before the day begins.
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600),
        // Winter is the exception.
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01T00:00:00Z", 0),
        // South of the equator, over the end of the year.
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T23:59:59Z", 39_600),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2027-01-01T00:00:00Z", 39_600),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-06-01T00:00:00Z", 36_000),
        // Summer all year.
        ("XXX3EDT4,0/0,J365/23", "2026-01-01T03:30:00Z", -14_400),
        ("XXX3EDT4,0/0,J365/23", "2027-01-01T02:59:59Z", -14_400),
        // Days by number: with and without the leap day.
        ("AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", 3600), ("AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0),
        ("AAA0BBB,59/0,300/0", "2028-02-29T00:00:00Z", 3600),
        ("EST5EDT", "2026-07-01T00:00:00Z", -14_400),
    ]

    @Test(arguments: rules) func ruleOfPosix(text: String, time: String, offset: Int64) throws {
        let zone = try #require(TimeZoneRules(posix: text))
        #expect(zone.offset(at: try CalendarKit.seconds(time)) == offset)
    }

    @Test(arguments: [
        "", "C", "CE1", "CET", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-25", "CET-1:60", "<CET-1", "CET-1CEST,J0,J365", "CET-1CEST,366,1", "CET-1 ",
        "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3,", "CET-1CEST1x", "Europe/Berlin",
    ]) func noRule(text: String) { #expect(TimeZoneRules(posix: text) == nil) }

    /// A file as RFC 9636 has it.
    static func file(
        version: UInt8 = 50, times: [(Int64, UInt8)], offsets: [Int32], footer: String, leapSeconds: Int = 0
    ) -> [UInt8] {
        func part(_ width: Int, _ times: [(Int64, UInt8)]) -> [UInt8] {
            func number(_ value: Int64, _ width: Int) -> [UInt8] {
                (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
            }
            var bytes = Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
            for count in [0, 0, leapSeconds, times.count, offsets.count, 4] { bytes += number(Int64(count), 4) }
            bytes += times.flatMap { number($0.0, width) } + times.map(\.1)
            for offset in offsets { bytes += number(Int64(offset), 4) + [0, 0] }
            return bytes + Array("ABC\0".utf8) + [UInt8](repeating: 0, count: leapSeconds * (width + 4))
        }
        return part(4, []) + part(8, times) + Array("\n\(footer)\n".utf8)
    }

    @Test func fileWithTimesAndARule() throws {
        let bytes = Self.file(times: [(1000, 1), (2000, 0), (3000, 2)], offsets: [60, 3600, 7200], footer: "XYZ-2")
        let zone = try TimeZoneRules(file: bytes, from: 0)
        let offsets = [Int64.min, 999, 1000, 1999, 2000, 2999, 3000, .max / 4].map { zone.offset(at: $0) }
        #expect(offsets == [60, 60, 3600, 3600, 60, 60, 7200, 7200])
        #expect(zone.stretch(at: 1500) == .init(start: 1000, end: 2000, offset: 3600, before: 60))
        #expect(zone.stretch(at: 3500) == .init(start: 3000, end: .max, offset: 7200, before: 60))
        // What is more than a year old is forgotten, but not what it led to.
        let later = try TimeZoneRules(file: bytes, from: 366 * 86_400 + 2500)
        #expect(later.offset(at: 2500) == 60 && later.offset(at: 3000) == 7200 && later.bytes < zone.bytes)
    }

    @Test func fileWithMoreTimesThanAreKept() throws {
        let times = (1...2000).map { (Int64($0) * 1000, UInt8($0 % 2)) }
        let zone = try TimeZoneRules(file: Self.file(times: times, offsets: [0, 3600], footer: ""), from: 0)
        #expect(zone.bytes <= 1920 && zone.horizon == 241_000)
        for (time, _) in times.prefix(240) { #expect(zone.stretch(at: time).start == time) }
        #expect(zone.stretch(at: .max / 4).end == .max)
    }

    @Test func filesThatAreNone() throws {
        let good = Self.file(times: [(1000, 1), (2000, 0)], offsets: [0, 3600], footer: "XYZ0")
        #expect((try? TimeZoneRules(file: good, from: 0)) != nil)
        for length in 0..<good.count {
            #expect(throws: TimeZoneError.self) { try TimeZoneRules(file: Array(good[..<length]), from: 0) }
        }
        func error(_ bytes: [UInt8]) -> String {
            do throws(TimeZoneError) {
                _ = try TimeZoneRules(file: bytes, from: 0)
                return "none"
            } catch {
                return error.description
            }
        }
        #expect(error(Array("#!/bin/sh\n".utf8)) == "it is no time zone file (TZif, RFC 9636)")
        #expect(error(good + [UInt8](repeating: 0, count: 65_536)).hasPrefix("it has over 65536 bytes"))
        let cases: [([UInt8], String)] = [
            (Self.file(times: [(2000, 1), (1000, 0)], offsets: [0, 3600], footer: ""), "its times are not in order"),
            (Self.file(times: [(1000, 1), (1000, 0)], offsets: [0, 3600], footer: ""), "its times are not in order"),
            (
                Self.file(times: [(1000, 2)], offsets: [0, 3600], footer: ""),
                "it names an offset that it does not have"
            ),
            (Self.file(times: [(1000, 1)], offsets: [0, 93_600], footer: ""), "it has an offset of 93600 s"),
            (Self.file(times: [], offsets: [.min], footer: ""), "it has an offset of -2147483648 s"),
            (Self.file(times: [], offsets: [], footer: ""), "it names no offset"),
            (Self.file(times: [], offsets: [0], footer: "nonsense"), "its last line is no rule for later years"),
        ]
        for (bytes, text) in cases { #expect(error(bytes) == text + ": install tzdata again") }
        #expect(
            error(Self.file(times: [], offsets: [0], footer: "", leapSeconds: 2)).hasPrefix("it counts leap seconds"))
    }

    /// All zones of this machine, also those that nobody thinks of.
    @Test func zonesOfThisMachineAreSmall() throws {
        let from = try CalendarKit.seconds("2026-01-01T00:00:00Z")
        var count = 0
        for folder in ["Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Pacific", "Etc"] {
            for name in try Directory(ZoneFile.folder + "/" + folder).names() where TimeZones.has("\(folder)/\(name)") {
                let zone = try CalendarKit.zone("\(folder)/\(name)", from: from)
                #expect(zone.bytes <= 1920 && zone.horizon == .max, "\(folder)/\(name)")
                count += 1
            }
        }
        #expect(count > 300)
    }

    @Test func namesOfZones() {
        for name in [
            "../../etc/passwd", "/etc/localtime", "", "Europe", "Europe/", "Europe/Berlin/", "tzdata.zi", "zone.tab",
            "Europe/..", "a b",
        ] {
            #expect(!TimeZones.has(name), "\(name)")
        }
        for name in ["Europe/Berlin", "UTC", "Etc/GMT+2", "America/Port-au-Prince", "America/St_Johns"] {
            #expect(TimeZones.has(name), "\(name)")
        }
    }
}

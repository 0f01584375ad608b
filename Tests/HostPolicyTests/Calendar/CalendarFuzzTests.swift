import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Texts and files that nobody means. `SCHEDHOST_FUZZ_SECONDS` lets each test go on for so long, as `scripts/fuzz` does with
/// optimised code.
@Suite struct CalendarFuzzTests {
    private static let clock = SystemClock()
    #if DEBUG
        /// Code that is not optimised takes thirty times as long.
        private static let mostNanoseconds: Int64 = 30_000_000
    #else
        private static let mostNanoseconds: Int64 = 1_000_000
    #endif

    /// The longest `next` of one test.
    private final class Longest {
        var nanoseconds: Int64 = 0
        var what = ""
        var count = 0
    }

    /// Runs rounds until the time is over, but at least so many.
    private func rounds(
        _ name: String, atLeast few: Int, _ body: (inout SplitMix, Longest) throws -> Void
    ) rethrows {
        let longest = Longest()
        let seconds = HostProcess.environment("SCHEDHOST_FUZZ_SECONDS").flatMap { Int64($0) } ?? 0
        let end = Self.clock.boot() + seconds * 1_000_000_000
        // Longer runs are for other numbers than the ones that were tried already.
        var random = SplitMix(seed: seconds > 0 ? UInt64(bitPattern: Self.clock.wall().nanoseconds) : 16)
        var count = 0
        while count < few || Self.clock.boot() < end {
            try body(&random, longest)
            count += 1
        }
        guard seconds > 0 else { return }
        print(
            "\(name): \(count) rounds, \(longest.count) times next, at most \(longest.nanoseconds) ns: \(longest.what)")
    }

    /// The time that `next` takes, at best of five where it is long: the machine may do something else meanwhile.
    private func check(
        _ rule: CalendarRule, in zone: TimeZoneRules, after time: Int64, _ longest: Longest,
        _ what: @autoclosure () -> String
    ) {
        for dst in DaylightSaving.allCases {
            var best = Int64.max
            for _ in 0..<5 where best > longest.nanoseconds {
                let begin = Self.clock.boot()
                let next = rule.next(after: time, in: zone, dst: dst)
                best = min(best, Self.clock.boot() - begin)
                if let next, next <= time { Issue.record("\(what()): \(next) is not after \(time)") }
            }
            longest.count += 1
            if best <= longest.nanoseconds { continue }
            (longest.nanoseconds, longest.what) = (best, String("\(what()) after \(time), \(dst)".prefix(200)))
            #expect(best < Self.mostNanoseconds, "\(longest.what): \(best) ns")
        }
    }

    /// Texts of every form, to be damaged.
    private static let good = [
        "Mon..Fri 09:30", "*-*~1 18:00", "Mon *-05~07/1", "2026..2028-3..5-2..4 5,3,3:0", "*:0/15", "9..17/2:30:00 UTC",
        "Mon *-02-29 02:30", "2199-12-31 23:59:59", "30 9 * * 1-5", "*/5 0-23/2 * * 7", "0 0 29 2 1",
        "15 2 1,15 */3 SUN",
        "@weekly UTC", "Sat,Thu,Mon-Wed 1:2:3/7", "*-1/3-1..7 00:00", "2096-02-29",
    ]

    @Test func texts() throws {
        let words = [
            "*", "*", "/", "-", "..", "~", ",", ":", " ", " ", "0", "1", "5", "7", "12", "29", "30", "31", "59", "2026",
            "9999999999", "Mon", "fri", "sunday", "jan", "@daily", "weekly", "UTC", "Europe/Berlin", "?", "L", "W", "#",
            "é",
            "\t", "\0", "T", "Z", "2", "3", ".", "+",
        ]
        let zone = try CalendarKit.zone("Africa/Casablanca", from: 1_700_000_000)
        var good = 0
        rounds("texts", atLeast: 20_000) { random, longest in
            var text = ""
            if random.below(4) == 0 {
                // One that is good, or was before a character of it was changed.
                var bytes = Array(Self.good[random.below(Self.good.count)].utf8)
                for _ in 0..<random.below(3) {
                    bytes[random.below(bytes.count)] = Array("*/-.~,:0123456789 MFU@".utf8)[random.below(22)]
                }
                text = String(decoding: bytes, as: UTF8.self)
            } else if random.below(2) == 0 {
                for _ in 0..<random.below(24) { text += words[random.below(words.count)] }
            } else {
                for field in 0..<5 {
                    let piece = (0...random.below(2)).map { _ in words[random.below(18)] }.joined()
                    text += (field == 0 ? "" : " ") + (random.below(2) == 0 ? "*" : piece)
                }
            }
            guard let schedule = try? ScheduleText(text, isZone: { $0 == "UTC" }) else { return }
            good += 1
            let normal = (try? ScheduleText.normal(text, isZone: { $0 == "UTC" })) ?? "none"
            #expect((try? ScheduleText(normal, isZone: { $0 == "UTC" })) == schedule, "\(text): \(normal)")
            check(schedule.rule, in: zone, after: Int64(random.below(7_258_118_400)), longest, text)
        }
        #expect(good > 1000)
    }

    @Test func files() throws {
        var files: [[UInt8]] = []
        for name in CalendarKit.zones { files.append(try ZoneFile(named: name).read(limit: TimeZoneRules.mostBytes)) }
        let rules = try ["30 2 * * *", "*:0/7", "Mon *-02-29", "* * * * *"].map { try CalendarKit.schedule($0).rule }
        var good = 0
        rounds("files", atLeast: 3000) { random, longest in
            var bytes = files[random.below(files.count)]
            switch random.below(4) {
            case 0: bytes.removeLast(random.below(bytes.count))
            case 1: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
            default:
                for _ in 0...random.below(6) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            }
            let from = Int64(random.below(7_258_118_400))
            guard let zone = try? TimeZoneRules(file: bytes, from: from) else { return }
            good += 1
            #expect(zone.bytes <= 1920)
            let stretch = zone.stretch(at: from)
            #expect(stretch.start <= from && from < stretch.end)
            let place = random.below(rules.count)
            check(rules[place], in: zone, after: from, longest, "rule \(place), \(bytes)")
            // About a change, where the rules of daylight saving do something.
            if stretch.end < 7_258_118_400 {
                check(rules[place], in: zone, after: stretch.end - 1, longest, "\(bytes)")
            }
        }
        #expect(good > 300)
    }

    @Test func rulesOfPosix() throws {
        let words = [
            "CET", "-1", "CEST", ",", "M3.5.0", "M10.5.0", "/3", "J60", "300", "/-167", "<-02>", "2", "/167", ":59",
            "0",
        ]
        let rule = try CalendarKit.schedule("30 2 * * *").rule
        let leap = try CalendarKit.schedule("Mon *-02-29 02:30").rule
        rounds("rules", atLeast: 5000) { random, longest in
            let text = "AAA" + (0..<random.below(10)).map { _ in words[random.below(words.count)] }.joined()
            guard let zone = TimeZoneRules(posix: text) else { return }
            let from = Int64(random.below(7_258_118_400))
            let stretch = zone.stretch(at: from)
            #expect(stretch.start <= from && from < stretch.end, "\(text)")
            check(rule, in: zone, after: from, longest, text)
            check(leap, in: zone, after: from, longest, text)
        }
    }
}

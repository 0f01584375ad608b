import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// `next` against a model that looks at each minute.
@Suite struct CalendarModelTests {
    /// What cron fields name, kept as plainly as can be.
    struct Model {
        var text: String
        var minutes: Set<Int>
        var hours: Set<Int>
        var days: Set<Int>
        var months: Set<Int>
        var weekdays: Set<Int>
        var isEitherDay = false

        /// Five fields at random, often the plain ones.
        init(_ random: inout SplitMix) {
            func field(_ low: Int, _ high: Int, _ random: inout SplitMix) -> (String, Set<Int>) {
                let (a, b) = (low + random.below(high - low + 1), low + random.below(high - low + 1))
                let step = 1 + random.below(max(2, (high - low) / 2))
                switch random.below(6) {
                case 0, 1: return ("*", Set(low...high))
                case 2: return ("*/\(step)", Set(stride(from: low, through: high, by: step)))
                case 3: return ("\(a)", [a])
                case 4: return ("\(a),\(b)", [a, b])
                default:
                    let (first, last) = (min(a, b), max(a, b))
                    return ("\(first)-\(last)/\(step)", Set(stride(from: first, through: last, by: step)))
                }
            }
            var texts: [String] = []
            func next(_ low: Int, _ high: Int, _ random: inout SplitMix) -> Set<Int> {
                let (text, set) = field(low, high, &random)
                texts.append(text)
                return set
            }
            minutes = next(0, 59, &random)
            hours = next(0, 23, &random)
            days = next(1, 31, &random)
            months = Set(1...12)
            texts.append("*")
            weekdays = next(0, 6, &random)
            text = texts.joined(separator: " ")
            isEitherDay = !texts[2].hasPrefix("*") && !texts[4].hasPrefix("*")
        }

        func names(_ local: Int64) -> Bool {
            let (day, second) = CivilDay.split(local)
            guard second % 60 == 0, minutes.contains(second / 60 % 60), hours.contains(second / 3600) else {
                return false
            }
            let date = CivilDay.date(day)
            let isDate = days.contains(date.day)
            let isWeekday = weekdays.contains(CivilDay.weekday(day))
            return months.contains(date.month) && (isEitherDay ? isDate || isWeekday : isDate && isWeekday)
        }

        /// All occurrences in a span of time, by looking at each minute.
        func occurrences(after begin: Int64, until end: Int64, in zone: TimeZoneRules, dst: DaylightSaving) -> [Int64] {
            let isCadence = hours.count == 24
            let goesOn = isCadence || text.hasPrefix("*")
            var found: [Int64] = []
            var latest = Int64.min
            var time = begin - 2 * 86_400
            while time <= end {
                let offset = zone.offset(at: time)
                let before = zone.offset(at: time - 60)
                var isNamed = false
                if offset > before, dst == .once, !isCadence {
                    isNamed = stride(from: time + before, to: time + offset, by: 60).contains { names($0) }
                }
                let isRepeated = time + offset <= latest
                if names(time + offset), !isRepeated || dst == .wall || dst == .once && goesOn { isNamed = true }
                latest = max(latest, time + offset)
                if isNamed, time > begin { found.append(time) }
                time += 60
            }
            return found
        }
    }

    @Test(arguments: CalendarKit.zones) func agreesWithAModelOfEachMinute(name: String) throws {
        let from = try CalendarKit.seconds("2012-01-01T00:00:00Z")
        let zone = try CalendarKit.zone(name, from: from)
        var random = SplitMix(seed: Jitter.seed(of: name))
        for round in 0..<CalendarKit.rounds(Rounds.optimised(40, plain: 2)) {
            // A day or so before a change, wherever there is one.
            let year = Int64(random.below(60)) * 31_556_952
            let stretch = zone.stretch(at: from + year)
            let change = stretch.end == .max ? from + year : stretch.end
            let begin = (change - 86_400 - Int64(random.below(86_400))) / 60 * 60 + Int64(random.below(60))
            let end = begin + 3 * 86_400
            let model = Model(&random)
            let rule = try CalendarKit.schedule(model.text).rule
            for dst in DaylightSaving.allCases {
                var found: [Int64] = []
                var time = begin
                while let next = rule.next(after: time, in: zone, dst: dst), next <= end {
                    try #require(next > time)
                    found.append(next)
                    time = next
                }
                let expected = model.occurrences(after: begin - begin % 60, until: end, in: zone, dst: dst).filter {
                    $0 > begin
                }
                #expect(found == expected, "\(model.text) in \(name), \(dst), after \(begin), round \(round)")
            }
        }
    }
}

import HostPolicy
import HostStore
import HostSystem
import HostValues

// What the parts of a schedule take: to find the next time, to read a text, and the memory of a zone. Prints NAME=VALUE, for
// hostbench. Part of the package, since it calls the host's own code.

let clock = SystemClock()
/// 2026-01-01T00:00:00Z
let begin: Int64 = 1_767_225_600

/// Schedules as people write them, in both forms.
let texts = [
    "Mon..Fri 09:30", "daily", "hourly", "minutely", "*:0/5", "*-*~1 18:00", "Sat,Sun 10:00,14:00", "*-1,7-1 00:00",
    "9..17:00/15", "*:*:0/10", "30 2 * * *", "*/10 * * * *", "0 9 * * 1-5", "0 0 1 * *", "0 12 13 * 5",
    "15,45 8-18 * * 1-5",
    "0 0 1 1 *", "@weekly", "Fri *-*-13 12:00", "*-12-24 23:59:59",
]
let zones = [
    "UTC", "Europe/Berlin", "Europe/Dublin", "Europe/London", "America/New_York", "America/St_Johns",
    "America/Santiago",
    "America/Nuuk", "America/Havana", "Africa/Cairo", "Africa/Casablanca", "Asia/Tehran", "Asia/Kathmandu",
    "Asia/Beirut",
    "Antarctica/Troll", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham", "Asia/Kolkata",
]

/// The least of some tries, ns each: what else runs on the machine adds to the others.
func best(_ count: Int, _ body: () -> Void) -> Double {
    var least = Int64.max
    for _ in 0..<7 {
        let start = clock.boot()
        body()
        least = min(least, clock.boot() - start)
    }
    return Double(least) / Double(count)
}

/// ns for each `next`, one after the other from that time on, which goes through the changes of the zone's clocks.
func next(_ rule: CalendarRule, _ zone: TimeZoneRules, count: Int) -> Double {
    best(count) {
        var time = begin
        for _ in 0..<count { time = rule.next(after: time, in: zone) ?? begin }
        if time == 0 { print("never") }
    }
}

/// The largest zone of this machine: with what is held beside the value, bytes.
func largestZone() throws -> Int {
    var largest = 0
    func look(_ folder: String, _ prefix: String) throws {
        for name in try Directory(folder).names() where name.first?.isUppercase == true {
            if let zone = try? TimeZones.zone(prefix + name, from: begin) {
                largest = max(largest, MemoryLayout<TimeZoneRules>.size + zone.rules.bytes)
            } else {
                try? look(folder + "/" + name, prefix + name + "/")
            }
        }
    }
    try look(ZoneFile.folder, "")
    return largest
}

var rules: [TimeZoneRules] = []
for name in zones { rules.append(try TimeZones.zone(name, from: begin).rules) }
var nexts: [Double] = []
var parses: [Double] = []
for text in texts {
    let rule = try ScheduleText(text, isZone: { _ in false }).rule
    for zone in rules { nexts.append(next(rule, zone, count: 300)) }
    parses.append(best(300) { for _ in 0..<300 { _ = try? ScheduleText(text, isZone: { _ in false }) } })
}
func part(_ figures: [Double], _ part: Double) -> Double {
    figures.sorted()[min(figures.count - 1, Int(Double(figures.count) * part))]
}
for (name, figures) in [("", nexts), ("parse_", parses)] {
    print("\(name)p50=\(part(figures, 0.5))\n\(name)p90=\(part(figures, 0.9))")
    print("\(name)p99=\(part(figures, 0.99))\n\(name)max=\(part(figures, 1))")
}
let rare = try ScheduleText("Mon *-02-29", isZone: { _ in false }).rule
print("rare=\(rules.map { next(rare, $0, count: 10) }.max() ?? 0)")
print("zone=\(try largestZone())\nrule=\(MemoryLayout<CalendarRule>.size)")

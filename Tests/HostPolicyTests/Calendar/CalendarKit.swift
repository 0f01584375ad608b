import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// What the tests of calendars share.
enum CalendarKit {
    /// Zones with rules of every kind: half hours, two hours, midnight, both hemispheres, Ramadan, none.
    static let zones = [
        "UTC", "Europe/Berlin", "Europe/Dublin", "Europe/Riga", "Europe/London", "America/New_York", "America/St_Johns",
        "America/Sao_Paulo", "America/Santiago", "America/Nuuk", "America/Havana", "Africa/Cairo", "Africa/Casablanca",
        "Asia/Amman", "Asia/Tehran", "Asia/Kathmandu", "Asia/Beirut", "Antarctica/Troll", "Australia/Lord_Howe",
        "Pacific/Apia", "Pacific/Chatham",
    ]

    /// A zone of this machine.
    static func zone(_ name: String, from time: Int64 = 1_400_000_000) throws -> TimeZoneRules {
        try TimeZones.zone(name, from: time).rules
    }

    static func seconds(_ text: String) throws -> Int64 { try #require(Timestamp.parse(text)) / 1000 }

    static func schedule(_ text: String) throws -> ScheduleText { try ScheduleText(text, isZone: TimeZones.has) }

    /// The next `count` occurrences as text.
    static func next(
        _ text: String, in zone: TimeZoneRules, after base: String, count: Int, dst: DaylightSaving = .once
    ) throws -> [String] {
        let rule = try schedule(text).rule
        var time = try seconds(base)
        var found: [String] = []
        while found.count < count, let next = rule.next(after: time, in: zone, dst: dst) {
            found.append(Timestamp.format(next * 1000))
            time = next
        }
        return found
    }

    /// How often to try: a number from the environment, or the one given.
    static func rounds(_ few: Int) -> Int {
        HostProcess.environment("SCHEDHOST_CALENDAR_ROUNDS").flatMap { Int($0) } ?? few
    }
}

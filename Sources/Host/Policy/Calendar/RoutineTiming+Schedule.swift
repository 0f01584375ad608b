public import HostValues

extension RoutineTiming {
    /// Builds the schedule from its texts, each with a zone of its own or the default zone.
    public func schedule<Failure: Error>(
        routine: String, zone named: (String?) throws(Failure) -> TimeZoneRules, isZone: (String) -> Bool
    ) throws(Failure) -> CalendarSchedule {
        var parts: [CalendarSchedule.Part] = []
        for text in schedules {
            // The text was already parsed when the configuration was checked.
            guard let text = try? ScheduleText(text, isZone: isZone) else { continue }
            parts.append(.init(rule: text.rule, zone: try named(text.zone ?? zone)))
        }
        var schedule = CalendarSchedule(parts, routine: routine)
        schedule.dst = dst
        schedule.deadlineMs = deadlineMs
        schedule.jitterMs = jitterMs
        return schedule
    }
}

public import HostValues

extension RoutineTiming {
    /// The schedule that is meant, with a zone for each text.
    public func schedule<Failure: Error>(
        routine: String, zone named: (String?) throws(Failure) -> TimeZoneRules, isZone: (String) -> Bool
    ) throws(Failure) -> CalendarSchedule {
        var parts: [CalendarSchedule.Part] = []
        for text in schedules {
            // It was read before, when the configuration was checked.
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

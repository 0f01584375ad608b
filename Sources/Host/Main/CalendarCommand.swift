internal import HostCommandLine
internal import HostPolicy
internal import HostStore
internal import HostSystem

/// `calendar`: explains a schedule and shows its next times.
enum CalendarCommand {
    static func show(_ options: CalendarOptions) throws -> ExitStatus {
        let nowMs = SystemClock().wallMilliseconds()
        let schedule: ScheduleText
        let normal: String
        do throws(ScheduleTextError) {
            schedule = try ScheduleText(options.text, isZone: TimeZones.has)
            normal = try ScheduleText.normal(options.text, isZone: TimeZones.has)
        } catch {
            throw UsageError(command: .calendar, message: "\(error)")
        }
        if let named = schedule.zone, let other = options.zone, named != other {
            throw UsageError(
                command: .calendar, message: "the text names the zone \(named), and --zone \(other): leave one out")
        }
        let from = (options.fromMs ?? nowMs) / 1000
        let zone: TimeZones.Zone
        do throws(TimeZones.Failure) { zone = try TimeZones.zone(schedule.zone ?? options.zone, from: from) } catch {
            throw UsageError(command: .calendar, message: "\(error)")
        }
        let table = CalendarTable(
            schedule, normal: normal, zone: zone.name, rules: zone.rules, dst: options.dst, after: from,
            count: options.count)
        StandardStream.output.write(
            options.isJSON ? table.json : table.text(now: options.fromMs == nil ? nowMs / 1000 : nil))
        return .success
    }
}

public import HostValues

extension PluginDescription {
    /// What is wrong with the schedules of the routines, in one line that begins with the field; nil if all are valid.
    public func scheduleFault(isZone: (String) -> Bool) -> String? {
        for (index, routine) in routines.enumerated() {
            guard let text = routine.schedule else { continue }
            do throws(ScheduleTextError) {
                _ = try ScheduleText(text, isZone: isZone)
            } catch {
                return "routines[\(index)].schedule (\(routine.name)): \(error)"
            }
        }
        return nil
    }
}

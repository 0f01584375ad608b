public import HostValues

extension PluginDescription {
    /// What is wrong with a schedule of its routines, in one line that begins with the field; nil when each can be read.
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

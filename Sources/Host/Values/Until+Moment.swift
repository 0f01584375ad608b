extension Until {
    /// The end time in ms since 1970, UTC, as seen from `nowMs`. A time of day means today if it is still to come,
    /// otherwise tomorrow. Nil for `never`.
    public func moment(nowMs: Int64, zone: CivilTime.Zone = .local) -> Int64? {
        switch self {
        case .never: return nil
        case .moment(let moment): return moment
        case .timeOfDay(let hour, let minute):
            var time = CivilTime(seconds: nowMs / 1000, zone: zone)
            (time.hour, time.minute, time.second) = (hour, minute, 0)
            for _ in 0...1 {
                for seconds in time.moments(in: zone)
                where seconds.multipliedReportingOverflow(by: 1000).partialValue > nowMs {
                    return seconds &* 1000
                }
                time.day += 1
            }
            return nil
        }
    }
}

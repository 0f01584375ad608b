internal import HostPolicy
internal import HostSystem
public import HostValues
internal import Synchronization

/// A cache of the time zones that a process uses; each is checked for changes after an hour.
public final class TimeZoneCache: Sendable {
    /// The only instance. A worker creates it before it loads a plugin, which may change the environment.
    public static let shared = TimeZoneCache()

    /// How long a zone is used without checking its file, in ns.
    public static let patience: Int64 = 3_600_000_000_000

    private struct Entry {
        var zone: TimeZones.Zone
        var mark: TimeZones.Mark
        var lookedAt: BootTime
        /// Its rules are those from this time on, in seconds since 1970, UTC.
        var from: Int64
    }

    /// Whoever asks after each `patience` shall not find an entry that is a little younger.
    private static let freshness = patience - patience / 6

    private let variable = HostProcess.environment("TZ")
    private let entries = Mutex<[String: Entry]>([:])

    private init() {}

    /// A zone; nil means the machine's own. If the file of a known zone is damaged or gone, the known rules stay in
    /// use, and `trouble` is called with the reason.
    public func zone(_ name: String?, boot: BootTime, wall: WallTime, trouble: (String) -> Void = { _ in })
        throws(TimeZones.Failure) -> TimeZones.Zone
    {
        let key = name ?? ""
        let known = entries.withLock { $0[key] }
        if let known, boot - known.lookedAt < Self.freshness { return known.zone }
        let mark = TimeZones.Mark(name, variable: variable)
        var entry: Entry
        // A clock that was ahead when the rules were read may have been set back before them.
        if let known, known.mark == mark, wall.seconds >= known.from,
            known.zone.rules.horizon > wall.seconds + 400 * 86_400
        {
            entry = known
        } else {
            do throws(TimeZones.Failure) {
                let zone = try TimeZones.zone(name, from: wall.seconds, variable: variable)
                entry = Entry(zone: zone, mark: mark, lookedAt: boot, from: wall.seconds)
            } catch {
                guard let known else { throw error }
                trouble("\(error); what was known of the time zone still holds")
                entry = known
            }
        }
        entry.lookedAt = boot
        let kept = entry
        entries.withLock { $0[key] = kept }
        return kept.zone
    }
}

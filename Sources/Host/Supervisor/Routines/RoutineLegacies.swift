internal import HostPolicy
internal import HostValues

/// What routines that are gone leave to their successors of the same name.
///
/// Only what makes a difference is kept, so that plugins with ever new names fill no memory: a pace until as many sessions
/// may begin as if there had been none, and a pause only while the tallies on the disk say something else about it.
struct RoutineLegacies {
    /// What a routine has left.
    struct Legacy: Equatable {
        /// Whether it was paused; nil if that is in the tallies.
        var isPaused: Bool?
        /// How soon a session may begin.
        var pace = StartPace()
    }

    private var left: [String: Legacy] = [:]

    /// How many routines have left something.
    var count: Int { left.count }

    /// These routines are gone and leave this.
    mutating func leave(_ legacies: [(identifier: String, Legacy)], at now: MonotonicTime) {
        for (identifier, legacy) in legacies { left[identifier] = legacy }
        left = left.filter { $0.value.isPaused != nil || !$0.value.pace.isFresh(at: now) }
    }

    /// What the successor of that name begins with.
    mutating func take(_ identifier: String) -> Legacy { left.removeValue(forKey: identifier) ?? Legacy() }
}

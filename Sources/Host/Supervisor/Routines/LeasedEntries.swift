internal import HostCluster

/// The routines that run on one host only, by what one host at a time holds of them; and of which of them the cluster has
/// not been told yet that something has changed.
struct LeasedEntries {
    /// Which of them may begin sessions here.
    var gate = LeaseGate()
    /// While a plugin is replaced, the old and the new entry of a routine are both here.
    private var entries: [ClaimName: [RoutineEntry]] = [:]
    private var changed: Set<ClaimName> = []

    /// Adds a routine, if it is one of them.
    mutating func add(_ routine: RoutineEntry) {
        guard let claim = routine.claim else { return }
        entries[claim, default: []].append(routine)
        changed.insert(claim)
    }

    mutating func remove(_ routine: RoutineEntry) {
        guard let claim = routine.claim else { return }
        let left = entries[claim]?.filter { $0 !== routine } ?? []
        entries[claim] = left.isEmpty ? nil : left
        changed.insert(claim)
    }

    /// What the routine's policy or its plugin has decided may be another thing now.
    mutating func note(_ routine: RoutineEntry) { if let claim = routine.claim { changed.insert(claim) } }

    /// All of them.
    var all: [RoutineEntry] { entries.values.flatMap { $0 } }

    func routines(of claim: ClaimName) -> [RoutineEntry] { entries[claim] ?? [] }

    /// The claims that something has happened to since the last call.
    mutating func takeChanges() -> Set<ClaimName> {
        defer { if !changed.isEmpty { changed = [] } }
        return changed
    }
}

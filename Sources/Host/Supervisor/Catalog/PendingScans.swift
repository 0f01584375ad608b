internal import HostValues

/// The files that are to be scanned, and when. Pure.
struct PendingScans {
    /// Why and how a file is to be scanned.
    struct Scan: Equatable {
        /// Its stamp may be the old one all the same: an event says that it has changed.
        var isForced = false
        /// The event does not say that its writer has finished.
        var mayBeWritten = false
        /// Something incomplete may become whole.
        var isPatient = true
        /// Not earlier than that.
        var notBefore = MonotonicTime.longAgo
        /// The last scan could not tell, and perhaps none will: nobody waits for this one.
        var isRetry = false
    }

    private var scans: [String: Scan] = [:]
    /// The names whose time has come, the next one last: sorted when some were added, not at each turn.
    private var order: [String] = []
    private var added: Set<String> = []

    subscript(name: String) -> Scan? { scans[name] }

    /// The files that are to be scanned.
    var names: [String] { Array(scans.keys) }

    /// Whether nothing is left for which somebody waits.
    var isSettled: Bool { scans.values.allSatisfy(\.isRetry) }

    /// When the next one is due, or nil.
    var deadline: MonotonicTime? { scans.values.map(\.notBefore).min() }

    /// A file is to be scanned.
    mutating func add(_ name: String, _ scan: Scan) {
        scans[name] = scan
        added.insert(name)
        order = []
    }

    /// The names that were added since this was asked last, sorted.
    mutating func takeAdded() -> [String] {
        defer { added = [] }
        return added.sorted()
    }

    /// The first, by name, of the files whose time has come; it is pending no more.
    mutating func next(at now: MonotonicTime) -> (name: String, scan: Scan)? {
        if order.isEmpty { order = scans.filter { $0.value.notBefore <= now }.keys.sorted(by: >) }
        while let name = order.popLast() {
            if let scan = scans.removeValue(forKey: name) { return (name, scan) }
        }
        return nil
    }

    mutating func remove(_ name: String) { scans[name] = nil }

    mutating func removeAll() {
        scans = [:]
        order = []
        added = []
    }
}

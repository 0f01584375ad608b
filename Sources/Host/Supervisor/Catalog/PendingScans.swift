internal import HostValues

/// The files to scan, and when. Pure.
struct PendingScans {
    /// The reason for a scan, and how to do it.
    struct Scan: Equatable {
        /// Scan even if the file's stamp is unchanged, since an event says that the file has changed.
        var isForced = false
        /// The event does not tell whether the file's writer has finished.
        var mayBeWritten = false
        /// An incomplete file gets a grace period in which it may become complete.
        var isPatient = true
        /// The earliest time of the scan.
        var notBefore = MonotonicTime.longAgo
        /// The previous scan was inconclusive; this retry does not delay idle exit.
        var isRetry = false
    }

    private var scans: [String: Scan] = [:]
    /// The due names in reverse order, so that the next one is last. Sorted only after names were added, not for each
    /// scan.
    private var order: [String] = []
    private var added: Set<String> = []

    subscript(name: String) -> Scan? { scans[name] }

    /// The names of all pending files.
    var names: [String] { Array(scans.keys) }

    /// Whether nothing is pending except retries.
    var isSettled: Bool { scans.values.allSatisfy(\.isRetry) }

    /// When the next scan is due; nil if none is pending.
    var deadline: MonotonicTime? { scans.values.map(\.notBefore).min() }

    /// Adds a file to scan.
    mutating func add(_ name: String, _ scan: Scan) {
        scans[name] = scan
        added.insert(name)
        order = []
    }

    /// The names that were added since the last call, sorted.
    mutating func takeAdded() -> [String] {
        defer { added = [] }
        return added.sorted()
    }

    /// Removes and returns the first due file, by name.
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

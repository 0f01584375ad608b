internal import HostValues

/// Bounds how often a file is scanned whose times change although it is the same file with the same size, as when
/// somebody touches it all the time. Pure.
struct ScanPace {
    /// A file is scanned again after this many times the duration of its last scan, but after `longest` in ns.
    private static let rest: Int64 = 20
    private static let longest: Int64 = 10_000_000_000

    private struct Scan {
        let file: FileStatus
        let ready: MonotonicTime
    }

    private var scans: [String: Scan] = [:]

    /// When a file may be scanned for which no event says that its content has changed; nil if at once.
    func opens(_ name: String, _ file: FileStatus, at now: MonotonicTime) -> MonotonicTime? {
        guard let last = scans[name], last.file.isSameFile(as: file), last.file.size == file.size, last.ready > now
        else { return nil }
        return last.ready
    }

    /// Notes a scan.
    mutating func note(_ name: String, _ file: FileStatus?, from begin: MonotonicTime, to end: MonotonicTime) {
        scans[name] = file.map {
            Scan(file: $0, ready: end + min(end - begin, Self.longest / Self.rest) * Self.rest)
        }
    }
}

internal import HostSystem
internal import HostValues

/// The file with the metrics, for node_exporter's textfile collector: replaced atomically every 10 s.
final class MetricsFile {
    /// The time between two writes, in ns.
    private static let period: Int64 = 10_000_000_000

    private let directory: Directory
    private let name: String
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let log: any LogSink
    private let metrics: () -> [UInt8]
    private var timer: Deadlines.Timer?
    private var hasFault = false

    /// Starts to write the text that `metrics` returns.
    init(
        path: String, deadlines: Deadlines, clock: any HostClock, log: any LogSink, metrics: @escaping () -> [UInt8]
    ) throws(SystemError) {
        let (folder, name) = Directory.split(path)
        directory = try Directory(folder)
        self.name = name
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
        self.metrics = metrics
        let timer = deadlines.make { [unowned self] _ in write() }
        self.timer = timer
        deadlines.set(timer, at: clock.monotonic())
    }

    /// Replaces the file, and schedules the next time.
    func write() {
        do throws(Directory.ReplaceFailure) {
            // Readable by all, since its reader, node_exporter, runs as another user.
            try directory.replace(name, with: metrics(), forEverybody: true)
            hasFault = false
        } catch {
            if !hasFault { log.write(.error, "", "the metrics cannot be written: \(error)") }
            hasFault = true
        }
        if let timer { deadlines.set(timer, at: clock.monotonic() + Self.period) }
    }
}

internal import HostCore
internal import HostSystem

/// Where the metrics are written to, for node_exporter's textfile collector.
final class MetricsFile {
    /// From one writing to the next, ns.
    static let period: Int64 = 10_000_000_000

    let directory: Directory
    let name: String
    let timer: Deadlines.Timer
    var hasFault = false

    init(path: String, timer: Deadlines.Timer) throws(SystemError) {
        let (folder, name) = Directory.split(path)
        directory = try Directory(folder)
        self.name = name
        self.timer = timer
    }
}

extension Supervisor {
    /// Begins to write the metrics into a file.
    func beginMetricsFile(_ path: String) throws(SystemError) {
        let timer = deadlines.make { [unowned self] _ in writeMetricsFile() }
        operation.metricsFile = try MetricsFile(path: path, timer: timer)
        deadlines.set(timer, at: clock.monotonic())
    }

    /// Replaces the file in one step, and sets the next time.
    func writeMetricsFile() {
        guard let file = operation.metricsFile else { return }
        do throws(Directory.ReplaceFailure) {
            try file.directory.replace(file.name, with: metrics())  // others read it: node_exporter is another user
            file.hasFault = false
        } catch {
            if !file.hasFault { log.write(.error, "", "the metrics cannot be written: \(error)") }
            file.hasFault = true
        }
        deadlines.set(file.timer, at: clock.monotonic() + MetricsFile.period)
    }
}

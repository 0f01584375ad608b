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
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        directory = try Directory(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
        name = String(parts.last ?? "")
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
        let temporary = ".\(file.name).\(HostProcess.pid)"
        do throws(SystemError) {
            try? file.directory.remove(temporary)
            // Others read it: node_exporter runs as another user.
            try file.directory.create(temporary, mode: 0o644).writeAll(
                metrics(), subject: file.directory.child(temporary))
            try file.directory.rename(temporary, to: file.name)
            file.hasFault = false
        } catch {
            if !file.hasFault { log.write(.error, "", "the metrics cannot be written: \(error)") }
            file.hasFault = true
        }
        deadlines.set(file.timer, at: clock.monotonic() + MetricsFile.period)
    }
}

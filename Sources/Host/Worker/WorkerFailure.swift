internal import HostSystem

/// The end of a worker that cannot go on. The supervisor sees the exit and keeps the last words from standard error.
enum WorkerFailure {
    /// The status that says so.
    static let status: Int32 = 70

    /// Writes one line to standard error and ends the process, without handlers.
    static func die(_ text: String) -> Never {
        let line = Array("schedhost: \(text)\n".utf8)
        StandardStream.error.write(line)
        HostProcess.exitNow(status)
    }
}

internal import HostSystem

/// Ends a worker that cannot continue. The supervisor sees the exit status, and finds the text in the crash page.
enum WorkerFailure {
    /// The exit status for this case.
    static let status: Int32 = 70

    /// Writes one line to the crash page and to standard error, and ends the process without running exit handlers.
    static func die(_ text: String) -> Never {
        CrashPage.say(text)
        let line = Array("schedhost: \(text)\n".utf8)
        StandardStream.error.write(line)
        HostProcess.exitNow(status)
    }
}

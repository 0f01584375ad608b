internal import HostSystem

/// The end of a worker that cannot go on. The supervisor sees the exit, and finds the last words in the crash page.
enum WorkerFailure {
    /// The status that says so.
    static let status: Int32 = 70

    /// Writes one line to the crash page and to standard error, and ends the process, without handlers.
    static func die(_ text: String) -> Never {
        CrashPage.say(text)
        let line = Array("schedhost: \(text)\n".utf8)
        StandardStream.error.write(line)
        HostProcess.exitNow(status)
    }
}

internal import CHostSystem
internal import Glibc

extension HostProcess {
    /// Makes stdout line-buffered, as on a terminal. With the default of 4 KiB blocks, a crash would lose what was
    /// printed last. setvbuf(3).
    public static func bufferOutputByLines() { chs_buffer_output_by_lines() }

    /// Redirects this process's standard output to standard error, and returns a descriptor of the former standard
    /// output. dup2(2).
    public static func divertOutput() throws(SystemError) -> Descriptor {
        let output = try retrying("fcntl", "standard output") { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) }
        _ = try retrying("dup2", "standard output") { dup2(STDERR_FILENO, STDOUT_FILENO) }
        return Descriptor(owning: output)
    }

    /// Makes standard error tell why the process ended, if loaded code ends it: after a signal's name it writes
    /// `crash`, and for an exit it writes `exit`. Signal handlers that are installed already stay.
    public static func haveLastWords(crash: StaticString, exit: StaticString) {
        let crash = unsafe UnsafeRawPointer(crash.utf8Start).assumingMemoryBound(to: CChar.self)
        let exit = unsafe UnsafeRawPointer(exit.utf8Start).assumingMemoryBound(to: CChar.self)
        unsafe chs_have_last_words(crash, exit)
    }

    /// Tells the handler of `haveLastWords` that from now on an exit is the program's own.
    public static func mayEnd() { chs_may_exit() }
}

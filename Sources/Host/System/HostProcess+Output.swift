internal import CHostSystem
internal import Glibc

extension HostProcess {
    /// Lets what is printed leave this process with each line, as on a terminal, and not when 4 KiB of it have come or the
    /// process ends in order: a crash would lose it. setvbuf(3).
    public static func bufferOutputByLines() { chs_buffer_output_by_lines() }

    /// Lets what this process prints go to standard error from now on, and gives a descriptor of what was standard output.
    /// dup2(2).
    public static func divertOutput() throws(SystemError) -> Descriptor {
        let output = try retrying("fcntl", "standard output") { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) }
        _ = try retrying("dup2", "standard output") { dup2(STDERR_FILENO, STDOUT_FILENO) }
        return Descriptor(owning: output)
    }

    /// Lets standard error say why, should code that was loaded end this process: `crash` stands behind a signal's name, `exit`
    /// by itself. A handler that is there already stays.
    public static func haveLastWords(crash: StaticString, exit: StaticString) {
        let crash = unsafe UnsafeRawPointer(crash.utf8Start).assumingMemoryBound(to: CChar.self)
        let exit = unsafe UnsafeRawPointer(exit.utf8Start).assumingMemoryBound(to: CChar.self)
        unsafe chs_have_last_words(crash, exit)
    }

    /// From now on it is the program that ends the process.
    public static func mayEnd() { chs_may_exit() }
}

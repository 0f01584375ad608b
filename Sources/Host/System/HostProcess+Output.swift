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

    /// The texts of `haveLastWords`.
    public struct LastWords: Sendable {
        /// Follows a signal's name.
        public var crash: StaticString
        /// For an exit.
        public var exit: StaticString
        /// For a program that replaces this one.
        public var replaced: StaticString

        /// Makes the texts.
        public init(crash: StaticString, exit: StaticString, replaced: StaticString) {
            self.crash = crash
            self.exit = exit
            self.replaced = replaced
        }
    }

    /// Makes standard error tell why the process ended, if loaded code ends or replaces it. Signal handlers that are
    /// installed already stay.
    public static func haveLastWords(_ words: LastWords) {
        func text(_ text: StaticString) -> UnsafePointer<CChar> {
            unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        var all = unsafe chs_last_words(
            crash: text(words.crash), exit: text(words.exit), replaced: text(words.replaced))
        unsafe chs_have_last_words(&all)
    }

    /// Makes SIGINT and SIGTERM ring a doorbell, which must live as long as the process. A signal that the process sends
    /// to itself ends it, as it would any program. sigaction(2).
    public static func ringAtStop(_ bell: borrowing Doorbell) throws(SystemError) {
        let raw = bell.descriptor.raw
        _ = try retrying("sigaction", "SIGTERM") { chs_ring_at_stop(raw) }
    }

    /// Tells the handler of `haveLastWords` that from now on an exit is the program's own.
    public static func mayEnd() { chs_may_exit() }
}

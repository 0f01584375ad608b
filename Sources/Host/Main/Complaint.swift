internal import HostSystem
internal import HostValues

/// What a command says on standard error. It may have names of files and words of plugins in it: nothing of that reaches a
/// terminal as it is.
enum Complaint {
    /// One line of the program.
    static func say(_ text: String) { write("schedhost: " + TerminalText.clean(text)) }

    /// Lines that say themselves who speaks.
    static func say(lines text: String) { write(TerminalText.cleanLines(text)) }

    private static func write(_ text: String) { StandardStream.error.write(text + "\n") }
}

internal import HostSystem
internal import HostValues

/// Writes a command's messages to standard error. Messages may contain file names and text from plugins, so they are
/// always cleaned before they reach a terminal.
enum Complaint {
    /// Writes one line, with the program's name in front.
    static func say(_ text: String) { write("schedhost: " + TerminalText.clean(text)) }

    /// Writes lines that already name their source.
    static func say(lines text: String) { write(TerminalText.cleanLines(text)) }

    private static func write(_ text: String) { StandardStream.error.write(text + "\n") }
}

internal import HostValues

/// An error in the text of a schedule: its position, what is wrong, and what to write instead.
public struct ScheduleTextError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The position of the error in bytes, from 0.
    public let offset: Int
    /// The wrong word or number.
    public let word: String
    /// What is wrong, with the remedy.
    public let message: String

    /// One line with the word, its position from 1, and the message.
    public var description: String {
        word.isEmpty ? message : "'\(TerminalText.cut(TerminalText.clean(word), to: 80))' at \(offset + 1): \(message)"
    }
}

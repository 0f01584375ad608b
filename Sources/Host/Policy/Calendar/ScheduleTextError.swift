internal import HostValues

/// What is wrong with the text of a schedule: where, what, and what to write instead.
public struct ScheduleTextError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where it begins, in bytes from 0.
    public let offset: Int
    /// The word or number in question.
    public let word: String
    /// What is wrong, and the mend.
    public let message: String

    /// One line: the place in the text counted from 1, the word, what is wrong.
    public var description: String {
        word.isEmpty ? message : "'\(TerminalText.cut(TerminalText.clean(word), to: 80))' at \(offset + 1): \(message)"
    }
}

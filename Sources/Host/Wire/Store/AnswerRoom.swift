public import HostValues

/// How much an answer may still bring back, so that its line is one that the supervisor reads.
///
/// An entry counts as it is written: where characters need an escape, it is several times as long as its value.
public struct AnswerRoom: Sendable {
    /// The most that is in the line beside the entries: the text of a refusal with all its characters escaped, and numbers.
    private static let mostBeside = 8192

    private var left: Int

    /// The room of an answer that has no entry yet. A test may choose a shorter line.
    public init(line: Int = StoreEvent.longestLine) { left = line - Self.mostBeside }

    /// Whether there is room for this entry too; if so, it has it from now on.
    public mutating func take(_ entry: StoreAnswer.Entry) -> Bool {
        var writer = JSONWriter()
        StoreField(entry).write(to: &writer)
        let size = writer.bytes.count + 1  // and a comma
        guard size <= left else { return false }
        left -= size
        return true
    }
}

import HostValues
import Testing

struct TerminalTextTests {
    @Test func `what could move the cursor or hide a line is shown as its number`() {
        #expect(TerminalText.clean("a\u{1B}[31m\tb\nc\u{202E}\u{0}") == "a\\u{1b}[31m b c\\u{202e}\\u{0}")
        #expect(TerminalText.clean("é ü 漢 🙂 e\u{301}") == "é ü 漢 🙂 e\u{301}")
        #expect(TerminalText.clean("") == "")
    }

    /// When each character copied the text before it, this took hours.
    @Test(.timeLimit(.minutes(1)), arguments: ["\u{1B}", "\u{7F}", "é", "🙂", "\n"])
    func `the cleaning of a text takes a time that grows with its length`(_ character: String) {
        let count = 1 << 21
        let shown = TerminalText.clean(character)
        #expect(TerminalText.clean(String(repeating: character, count: count)).utf8.count == shown.utf8.count * count)
    }
}

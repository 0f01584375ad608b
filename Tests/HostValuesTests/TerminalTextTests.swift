import HostValues
import Testing

struct TerminalTextTests {
    @Test func `what could move the cursor or hide a line is shown as its number`() {
        #expect(TerminalText.clean("a\u{1B}[31m\tb\nc\u{202E}\u{0}") == "a\\u{1b}[31m b c\\u{202e}\\u{0}")
        #expect(TerminalText.clean("é ü 漢 🙂 e\u{301}") == "é ü 漢 🙂 e\u{301}")
        #expect(TerminalText.clean("") == "")
    }

    /// Two names that look the same would be two plugins to the host, and one to its operator.
    @Test(arguments: ["\u{AD}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{3164}", "\u{E0001}", "\u{E007F}"])
    func `what cannot be seen is shown, in JSON too`(_ character: String) throws {
        let number = String(character.unicodeScalars.first!.value, radix: 16)
        #expect(TerminalText.clean("a\(character)b") == "a\\u{\(number)}b")
        var json = JSONWriter()
        json.field("x", "a\(character)b")
        #expect(!String(decoding: json.bytes, as: UTF8.self).contains(character))
    }

    @Test func `of several lines each is cleaned, and stays one`() {
        #expect(TerminalText.cleanLines("a\u{1B}\n\nb\r\n") == "a\\u{1b}\n\nb\\u{d}\n")
    }

    /// When each character copied the text before it, this took hours.
    @Test(.timeLimit(.minutes(1)), arguments: ["\u{1B}", "\u{7F}", "é", "🙂", "\n"])
    func `the cleaning of a text takes a time that grows with its length`(_ character: String) {
        let count = 1 << 21
        let shown = TerminalText.clean(character)
        #expect(TerminalText.clean(String(repeating: character, count: count)).utf8.count == shown.utf8.count * count)
    }

    @Test func `JSON keeps its meaning and its lines, and has nothing harmful in it`() throws {
        let text = "{\n\t\"a\u{9B}b\": \"\u{202E}\u{7F}é\u{E0041}\u{1B}\"\r\n}"
        let clean = "{\n\t\"a\\u009bb\": \"\\u202e\\u007fé\\udb40\\udc41\\u001b\"\r\n}"
        #expect(TerminalText.cleanJSON(text) == clean)
    }
}

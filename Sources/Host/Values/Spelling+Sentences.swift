/// Parts of the messages about a mistyped word.
extension Spelling {
    /// A word from the user in quotes, shortened and without control characters.
    public static func quoted(_ word: String) -> String {
        "'\(TerminalText.cut(TerminalText.clean(String(word.cut(to: 400))), to: 80))'"
    }

    /// The text `: did you mean X?` for the nearest of `words`, or an empty text if none is near.
    public static func suggestion(for word: String, in words: some Sequence<String>, prefix: String = "") -> String {
        nearest(to: word, in: words).map { ": did you mean \(prefix)\($0)?" } ?? ""
    }

    /// The words as `a, b or c`.
    public static func choice(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// The words as `a, b and c`.
    public static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

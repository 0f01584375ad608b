/// What is said of a word that was mistyped.
extension Spelling {
    /// A word of the user's in quotes, cut and without control characters.
    public static func quoted(_ word: String) -> String {
        "'\(TerminalText.cut(TerminalText.clean(String(word.cut(to: 400))), to: 80))'"
    }

    /// `: did you mean X?`, or nothing.
    public static func suggestion(for word: String, in words: some Sequence<String>, prefix: String = "") -> String {
        nearest(to: word, in: words).map { ": did you mean \(prefix)\($0)?" } ?? ""
    }

    /// `a, b or c`.
    public static func choice(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// `a, b and c`.
    public static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

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

    /// Names for a message that says which there are: the first twenty, and how many more.
    public static func listed(_ names: [String]) -> String {
        let most = 20
        let shown = names.prefix(most).joined(separator: ", ")
        return names.count > most ? "\(shown), and \(names.count - most) more" : shown
    }

    /// What follows on a name that is none of `names`: the one that was meant, if one is near, and which there are.
    public static func offer(of names: [String], for word: String) -> String {
        (nearest(to: word, in: names).map { "; did you mean \($0)?" } ?? ";") + " it has \(listed(names))"
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

/// Texts within texts, compared by their bytes.
///
/// The standard library's functions of these names are in the module of regular expressions, all of which would be linked
/// into the program: each worker's start would pay for it, since the runtime looks through the conformances of all that is
/// linked. So the host's modules are compiled without it.
extension String {
    /// Whether the text occurs in this one.
    public func contains(_ text: String) -> Bool { find(text, in: self[...]) != nil }

    /// This text with `other` in the place of each `text`, which is not empty.
    public func replacing(_ text: String, with other: String) -> String {
        var result = ""
        var rest = self[...]
        while let found = find(text, in: rest) {
            result += rest[..<found.lowerBound]
            result += other
            rest = rest[found.upperBound...]
        }
        return result + rest
    }

    /// The parts of this text between all occurrences of `text`, which is not empty.
    public func parts(between text: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let found = find(text, in: rest) {
            parts.append(String(rest[..<found.lowerBound]))
            rest = rest[found.upperBound...]
        }
        return parts + [String(rest)]
    }
}

extension Substring {
    /// Whether the text occurs in this one.
    public func contains(_ text: String) -> Bool { find(text, in: self) != nil }

    /// Where the text occurs first.
    public func firstRange(of text: String) -> Range<Index>? { find(text, in: self) }
}

private func find(_ text: String, in whole: Substring) -> Range<Substring.Index>? {
    let bytes = whole.utf8
    guard let first = text.utf8.first else { return whole.startIndex..<whole.startIndex }
    var start = bytes.startIndex
    while let next = bytes[start...].firstIndex(of: first) {
        let rest = bytes[next...]
        if rest.starts(with: text.utf8) { return next..<bytes.index(next, offsetBy: text.utf8.count) }
        start = bytes.index(after: next)
    }
    return nil
}

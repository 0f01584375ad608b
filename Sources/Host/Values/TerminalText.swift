/// Makes text from outside safe for a terminal, and measures it in terminal cells.
public enum TerminalText {
    /// The text with control characters, direction marks and invisible characters shown as `\u{…}`, and with line
    /// breaks and tabs as spaces. A plugin can thereby not move the cursor, hide a line, or imitate the name of another
    /// plugin.
    public static func clean(_ text: some StringProtocol) -> String {
        if isPlain(text) { return String(text) }
        // A `String` grows in place. Appending a collection to a `UnicodeScalarView` copies the view each time, which
        // would make the cleaning of a long text quadratic.
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar == "\t" || scalar == "\n" {
                result.append(" ")
            } else if isHarmful(scalar.value) {
                result.append("\\u{")
                result.append(String(scalar.value, radix: 16))
                result.append("}")
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Whether the text is of printable ASCII alone, as nearly all are that the host writes.
    private static func isPlain(_ text: some StringProtocol) -> Bool {
        let isPlain = text.utf8.withContiguousStorageIfAvailable { utf8 in
            unsafe utf8.allSatisfy { 0x20 <= $0 && $0 < 0x7F }
        }
        return isPlain ?? false
    }

    /// The width of the text in terminal cells.
    public static func width(_ text: String) -> Int {
        isPlain(text) ? text.utf8.count : text.unicodeScalars.reduce(0) { $0 + cells($1.value) }
    }

    /// The text cut to `width` cells; a text that was cut ends with `…`.
    public static func cut(_ text: String, to width: Int) -> String {
        guard self.width(text) > width else { return text }
        guard width > 0 else { return "" }
        var result = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            used += cells(scalar.value)
            if used > width - 1 { break }
            result.append(scalar)
        }
        return String(result) + "…"
    }

    /// The text padded with spaces to `width` cells, on its right, or on its left for a number.
    public static func pad(_ text: String, to width: Int, isNumber: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - self.width(text)))
        return isNumber ? space + text : text + space
    }

    /// Cleans each line of a text and keeps the line breaks.
    public static func cleanLines(_ text: some StringProtocol) -> String {
        // Splits by bytes, because Swift treats CR and LF together as one character.
        String(text).utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { clean(String(decoding: $0, as: UTF8.self)) }.joined(separator: "\n")
    }

    /// Escapes the harmful characters within the strings of a JSON text. The text keeps its meaning, since such
    /// characters, other than line breaks and tabs, occur only within strings.
    public static func cleanJSON(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar != "\n", scalar != "\t", scalar != "\r", isHarmful(scalar.value) {
                result.append(JSONText.escape(scalar))
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Whether a scalar is a control character, a mark or override of text direction, a line separator, or without a
    /// width of its own: soft hyphens, joiners, fillers and tags.
    static func isHarmful(_ value: UInt32) -> Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x061C, 0x115F, 0x1160, 0x180E, 0x200B...0x200F, 0x2028...0x202E,
            0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0, 0xE0000...0xE007F:
            true
        default: false
        }
    }

    /// The width of a scalar in cells: the common cases of wcwidth(3), independent of the locale.
    private static func cells(_ value: UInt32) -> Int {
        switch value {
        case 0x0300...0x036F, 0x200B...0x200D, 0x20D0...0x20FF, 0xFE00...0xFE0F: 0
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}

/// Text from outside as one line: control characters become spaces, and text beyond `limit` scalars becomes `…`.
public func oneLine(_ text: String, limit: Int) -> String {
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit { return line + "…" }
        let plain = scalar.properties.generalCategory != .control && scalar != "\u{2028}" && scalar != "\u{2029}"
        line.unicodeScalars.append(plain ? scalar : " ")
        count += 1
    }
    return line
}

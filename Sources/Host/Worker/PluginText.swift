/// Decodes text from a plugin: with bounded length, and with ill-formed UTF-8 escaped.
enum PluginText {
    /// The text of a C string, at most `limit` bytes of it; nil for NULL. Reads at most one byte more than that.
    static func string(_ pointer: UnsafePointer<CChar>?, limit: Int) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        var count = 0
        while count <= limit, unsafe pointer[count] != 0 { count += 1 }
        return unsafe string(UnsafeRawBufferPointer(start: pointer, count: count), limit: limit)
    }

    /// The text of these bytes, cut at a character boundary to at most `limit` bytes. Ill-formed bytes become `\\xNN`, and of
    /// these too there are no more than that.
    static func string(_ bytes: UnsafeRawBufferPointer, limit: Int) -> String {
        var end = min(bytes.count, limit)
        if end < bytes.count {
            // Moves back to the start of the character that the limit cuts, at most three bytes before.
            var start = end
            while start > max(0, end - 3), unsafe bytes[start] & 0xC0 == 0x80 { start -= 1 }
            if unsafe bytes[start] & 0xC0 != 0x80 { end = start }
        }
        let kept = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<end])
        // Most texts are ASCII, and the generic code of the next line takes its first caller 20 us.
        if unsafe kept.allSatisfy({ $0 < 0x80 }) { return unsafe String(decoding: kept, as: UTF8.self) }
        return unsafe String(validating: kept, as: UTF8.self) ?? escaped(kept, limit: limit)
    }

    private static func escaped(_ bytes: UnsafeRawBufferPointer, limit: Int) -> String {
        var text = ""
        var position = 0
        while position < bytes.count {
            let size = max(1, unsafe (~bytes[position]).leadingZeroBitCount)  // its character's length
            let end = min(position + size, bytes.count)
            var part = unsafe String(validating: bytes[position..<end], as: UTF8.self)
            if part != nil {
                position = end
            } else {
                let hex = unsafe String(bytes[position], radix: 16)
                part = (hex.utf8.count == 1 ? "\\x0" : "\\x") + hex
                position += 1
            }
            if let part {
                if text.utf8.count + part.utf8.count > limit { return text }
                text += part
            }
        }
        return text
    }
}

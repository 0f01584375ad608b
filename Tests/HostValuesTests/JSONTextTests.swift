import HostValues
import Testing

/// What all readers and writers of JSON share: escapes mean the same to each.
struct JSONTextTests {
    /// Each escape that JSON and JSON5 have in common, as it stands between quotes.
    static let escapes: [(String, String)] = [
        (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\b"#, "\u{8}"), (#"\f"#, "\u{C}"), (#"\n"#, "\n"),
        (#"\r"#, "\r"), (#"\t"#, "\t"), (#"\u0041"#, "A"), (#"\u00e9"#, "é"), (#"\u00E9x"#, "éx"),
        (#"\ud83d\ude00!"#, "😀!"), (#"\u2028"#, "\u{2028}"), (#"\u0000"#, "\0"),
    ]

    @Test(arguments: escapes) func `an escape means the same in a record and in a configuration`(
        _ escaped: String, _ text: String
    ) throws {
        let bytes = Array("\"\(escaped)\"".utf8)
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        #expect(try cursor.string() == text)
        try cursor.finish()
        #expect(try JSON5Parser.parse(bytes).value == .string(text))
    }

    @Test(arguments: [#"\ud83d"#, #"\ud83dx"#, #"\ud83d\u0041"#, #"\ud83d\n"#, #"\ude00"#])
    func `half of a pair is an error to a person and repaired in a record`(_ escaped: String) throws {
        let bytes = Array("\"\(escaped)\"".utf8)
        #expect(throws: JSONSyntaxError.self) { try JSON5Parser.parse(bytes) }
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        let text = try cursor.string()
        #expect(text.unicodeScalars.first == "\u{FFFD}")
        try cursor.finish()
    }

    @Test(arguments: [#"\u"#, #"\u12"#, #"\u12g4"#, #"\uff"#]) func `digits that are missing are named`(
        _ escaped: String
    ) {
        let bytes = Array("\"\(escaped)\"".utf8)
        #expect(throws: JSONSyntaxError.self) { try JSON5Parser.parse(bytes) }
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        #expect(throws: JSONFault.self) { try cursor.string() }
    }

    @Test func `every scalar comes back from both writers as it was`() throws {
        var text = String.UnicodeScalarView()
        for value in UInt32(0)...0x2FF { text.append(Unicode.Scalar(value)!) }
        text += "\u{2028}\u{2029}\u{FEFF}\u{FFFD}\u{10FFFF}😀".unicodeScalars
        let all = String(text)
        var writer = JSONWriter()
        writer.open()
        writer.field("text", all)
        writer.close()
        let literal = JSONValue.quoted(all)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"text\":\(literal)}")
        #expect(!literal.unicodeScalars.contains { $0.value < 0x20 || $0 == "\u{2028}" || $0 == "\u{2029}" })
        #expect(try JSON5Parser.parse(Array(literal.utf8)).value == .string(all))
        var cursor = JSONCursor(writer.bytes, in: 0..<writer.bytes.count)
        try cursor.object { (cursor, _) throws(JSONFault) in
            let back = try cursor.string()
            #expect(back == all)
        }
    }
}

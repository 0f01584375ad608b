import HostTestKit
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

    @Test func `lists have commas between their items and around them, and none where they are empty`() {
        var writer = JSONWriter()
        writer.open()
        writer.list("none", texts: [])
        writer.list("texts", texts: ["a", "\""])
        writer.list("numbers", numbers: [0, 10, .max])
        writer.objects("objects", of: [1, 2]) { number, writer in
            writer.field("number", number)
            writer.objects("inner", of: 0..<number) { $1.field("of", $0) }
        }
        writer.objects("noObjects", of: [Int]()) { $1.field("number", $0) }
        writer.field("last", true)
        writer.close()
        let expected = """
            {"none":[],"texts":["a","\\""],"numbers":[0,10,18446744073709551615],\
            "objects":[{"number":1,"inner":[{"of":0}]},{"number":2,"inner":[{"of":0},{"of":1}]}],\
            "noObjects":[],"last":true}
            """
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        var outermost = JSONWriter()
        outermost.list(of: [3, 4]) { $1.item($0) }
        #expect(String(decoding: outermost.bytes, as: UTF8.self) == "[3,4]")
    }

    /// Texts of the characters of numbers: what a reader takes is what JSON calls a number, with the value that it has.
    @Test func `numbers are read as JSON defines them`() throws {
        let pattern = /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/
        let whole = /-?[0-9]+/
        var texts = [
            "0", "-0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-9223372036854775809",
        ]
        texts += [
            "18446744073709551615", "18446744073709551616", "99999999999999999999", "+5", "1.", ".5", "-", "1e", "1e+5",
            "1-2",
        ]
        var random = SplitMix(seed: 9)
        let characters = Array("0159-+.eE")
        for _ in 0..<20_000 { texts.append(String((0...random.below(6)).map { _ in characters[random.below(9)] })) }
        var numbers = 0
        for text in texts {
            func read<Value>(_ value: (inout JSONCursor) throws(JSONFault) -> Value) -> Value? {
                var cursor = JSONCursor(Array(text.utf8), in: 0..<text.utf8.count)
                guard let read = try? value(&cursor), (try? cursor.finish()) != nil else { return nil }
                return read
            }
            let isWhole = text.wholeMatch(of: whole) != nil
            let isNumber = text.wholeMatch(of: pattern) != nil
            numbers += isNumber ? 1 : 0
            #expect(
                read { (cursor) throws(JSONFault) in try cursor.signed() } == (isWhole ? Int64(text) : nil), "\(text)")
            #expect(
                read { (cursor) throws(JSONFault) in try cursor.unsigned() } == (isWhole ? UInt64(text) : nil),
                "\(text)")
            #expect((read { (cursor) throws(JSONFault) in try cursor.skip() } != nil) == isNumber, "\(text)")
            let expected: SessionRecord.Value? =
                !isNumber
                ? nil : isWhole && Int64(text) != nil ? Int64(text).map { .int($0) } : Double(text).map { .double($0) }
            #expect(
                read { (cursor) throws(JSONFault) in try cursor.scalar() } == .some(expected) || expected == nil,
                "\(text)")
        }
        #expect(numbers > 1000)
    }
}

import HostValues
import Testing

/// Texts within texts.
@Suite struct TextSearchTests {
    @Test(arguments: [
        ("", "a", false), ("a", "a", true), ("ba", "a", true), ("aab", "ab", true), ("aaa", "ab", false),
        ("x${y}", "${", true), ("€uro", "€u", true), ("abc", "", true), ("ab", "abc", false),
    ])
    func `is found`(whole: String, text: String, isThere: Bool) {
        #expect(whole.contains(text) == isThere)
        #expect(whole[...].contains(text) == isThere)
        #expect((whole[...].firstRange(of: text) != nil) == isThere)
    }

    @Test func `the first place counts`() throws {
        let whole = "name:-a:-b"
        let range = try #require(whole[...].firstRange(of: ":-"))
        #expect(whole[..<range.lowerBound] == "name" && whole[range.upperBound...] == "a:-b")
    }

    @Test(arguments: [
        ("", "a", "b", ""), ("a-a", "a", "", "-"), ("aaa", "aa", "b", "ba"), ("a\r\nb", "\r\n", "\n", "a\nb"),
        ("'", "'", "\\'", "\\'"), ("none", "x", "y", "none"),
    ])
    func `is replaced`(whole: String, text: String, other: String, result: String) {
        #expect(whole.replacing(text, with: other) == result)
    }

    @Test func `is divided`() {
        #expect("a, b,c, ".parts(between: ", ") == ["a", "b,c", ""])
        #expect("".parts(between: ", ") == [""])
    }
}

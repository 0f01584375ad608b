import HostValues
import Testing

/// What a message offers in place of a word that is none of those that are there.
@Suite("Spelling")
struct SpellingTests {
    @Test("the nearest name first, then which there are, and not more than twenty of them")
    func offer() {
        #expect(Spelling.offer(of: ["port", "ratio"], for: "prot") == "; did you mean port? it has port, ratio")
        #expect(Spelling.offer(of: ["port", "ratio"], for: "colour") == "; it has port, ratio")
        let many = (0..<200).map { "name\($0)" }
        let shown = many.prefix(20).joined(separator: ", ")
        #expect(Spelling.offer(of: many, for: "colour") == "; it has \(shown), and 180 more")
        #expect(Spelling.listed(Array(many.prefix(20))) == shown)
    }
}

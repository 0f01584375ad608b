import HostValues
import HostWire
import Testing

@Suite("LineSplitter")
struct LineSplitterTests {
    private static let text = Array("one\n\nthree is long\n\u{0}ä\nrest".utf8)

    private func lines(_ parts: [ArraySlice<UInt8>], limit: Int) -> [LineSplitter.Line] {
        var splitter = LineSplitter(limit: limit)
        var lines: [LineSplitter.Line] = []
        for part in parts { splitter.take(part) { lines.append($0) } }
        if let last = splitter.finish() { lines.append(last) }
        return lines
    }

    @Test("the same lines, wherever the stream is cut in three", arguments: [4, 12, 13, 100])
    func cuts(_ limit: Int) {
        let text = Self.text
        let expected = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.count > limit ? LineSplitter.Line.cut(Array(line.prefix(limit))) : .whole(Array(line))
        }
        for first in 0...text.count {
            for second in first...text.count {
                let got = lines([text[..<first], text[first..<second], text[second...]], limit: limit)
                if got != expected {
                    Issue.record("cut at \(first) and \(second): \(got)")
                    return
                }
            }
        }
    }

    @Test("a line without end takes no more memory than the limit, and the next one is whole")
    func endless() {
        var splitter = LineSplitter(limit: 1000)
        var lines: [LineSplitter.Line] = []
        let chunk = [UInt8](repeating: 0x61, count: 4096)
        for _ in 0..<1000 { splitter.take(chunk) { lines.append($0) } }
        #expect(lines == [.cut([UInt8](repeating: 0x61, count: 1000))])
        #expect(splitter.finish() == nil)
        splitter.take(Array("x\nnext\n".utf8)) { lines.append($0) }
        #expect(lines.dropFirst() == [.whole(Array("next".utf8))])
    }
}

import HostSystem
import HostTestKit
import Testing

@testable import HostStore

struct LineReaderTests {
    let scratch = TestDirectory()

    @Test(arguments: [1, 7, 64, 1 << 20])
    func blocksOfAnySizeGiveTheSameLines(block: Int) throws {
        try scratch.write("f", Array("a\n\nbb\nccc\n\n\ndddd".utf8))
        let file = try scratch.directory().openForReading("f")
        var reader = LineReader(path: "f", size: 17)
        reader.block = block
        var lines: [String] = []
        _ = try reader.forward(file) {
            lines.append(String(decoding: $0[$1], as: UTF8.self))
            return true
        }
        #expect(lines == ["a", "bb", "ccc", "dddd"])
        lines = []
        _ = try reader.backward(file) {
            lines.append(String(decoding: $0[$1], as: UTF8.self))
            return true
        }
        #expect(lines == ["dddd", "ccc", "bb", "a"])
    }
}

import HostSystem
import HostTestKit
import Testing

/// Each search against one written out, in ranges of all kinds.
@Test func byteSearches() {
    var random = SplitMix(seed: 3)
    for _ in 0..<3000 {
        let bytes = (0..<random.below(40)).map { _ in UInt8(random.below(3)) }
        let low = random.below(50) - 5
        let range = low..<low + random.below(50)
        let inside = range.clamped(to: 0..<bytes.count)
        let byte = UInt8(random.below(4))
        #expect(ByteSearch.first(byte, in: bytes, range) == bytes[inside].firstIndex(of: byte))
        #expect(ByteSearch.last(byte, in: bytes, range) == bytes[inside].lastIndex(of: byte))
        let wanted = (0...random.below(3)).map { _ in UInt8(random.below(3)) }
        let isThere = inside.contains { bytes[$0..<inside.upperBound].starts(with: wanted) }
        #expect(ByteSearch.contains(wanted, in: bytes, range) == isThere)
    }
}

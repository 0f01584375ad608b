import HostSystem
import Testing

@Suite("CRC-32C")
struct ChecksumTests {
    /// RFC 3720, appendix B.4, and the check value of the catalogues.
    static let answers: [([UInt8], UInt32)] = [
        ([], 0),
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        ([UInt8](0..<32), 0x46dd_794e),
        ((0..<32).reversed(), 0x113f_db5c),
        (Array("123456789".utf8), 0xe306_9283),
    ]

    @Test("known answers, by instruction and by table", arguments: answers)
    func known(_ bytes: [UInt8], _ checksum: UInt32) {
        #expect(unsafe bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) } == checksum)
        #expect(unsafe bytes.withUnsafeBytes { unsafe Checksum.portableCRC32C($0) } == checksum)
    }

    @Test("parts add up to the whole, at every cut")
    func parts() {
        let bytes = [UInt8](0..<61)
        let whole = unsafe bytes.withUnsafeBytes { unsafe Checksum.crc32c($0) }
        for cut in 0...bytes.count {
            let first = unsafe Array(bytes[..<cut]).withUnsafeBytes { unsafe Checksum.crc32c($0) }
            #expect(unsafe Array(bytes[cut...]).withUnsafeBytes { unsafe Checksum.crc32c($0, after: first) } == whole)
        }
    }

    @Test("the instruction and the table agree on long texts of any size, which are summed in three streams")
    func long() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for size in [767, 768, 769, 1536, 2311, 3071, 3072, 3073, 3080, 6143, 6144, 9217, 12_288, 19_993] {
            for start in [0, 1, 7] {
                unsafe bytes.withUnsafeBytes { all in
                    let part = unsafe UnsafeRawBufferPointer(rebasing: all[start..<start + size])
                    #expect(unsafe Checksum.crc32c(part, after: 77) == Checksum.portableCRC32C(part, after: 77))
                }
            }
        }
    }

    @Test("a copy has the bytes and their checksum, and nothing beside them is written, at every size")
    func copy() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for size in Array(0...70) + [767, 768, 769, 2311, 3071, 3072, 3073, 9217, 19_993] {
            for start in [0, 1, 7] {
                var target = [UInt8](repeating: 0xa5, count: size + 16)
                let checksum = unsafe bytes.withUnsafeBytes { all in
                    unsafe target.withUnsafeMutableBytes { target in
                        unsafe Checksum.crc32c(
                            copying: UnsafeRawBufferPointer(rebasing: all[start..<start + size]),
                            to: UnsafeMutableRawBufferPointer(rebasing: target[8...]), after: 77)
                    }
                }
                let expected = unsafe bytes[start..<start + size].withUnsafeBytes {
                    unsafe Checksum.portableCRC32C($0, after: 77)
                }
                #expect(checksum == expected)
                #expect(target[8..<8 + size] == bytes[start..<start + size])
                #expect((target[..<8] + target[(8 + size)...]).allSatisfy { $0 == 0xa5 })
            }
        }
    }
}

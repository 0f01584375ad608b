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
}

import HostSystem
import Testing

@Suite("Bytes in memory of their own")
struct ByteStorageTests {
    /// Some pairs of them are copied in parts: see `ByteStorage.copy`.
    @Test("a copy has the same bytes and nothing else is written, at every size and relation of addresses")
    func copy() {
        var random = SystemRandomNumberGenerator()
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { unsafe source.deallocate() }
        for index in source.indices { unsafe source[index] = UInt8.random(in: 0...255, using: &random) }
        let storage = ByteStorage(capacity: 70_000)
        for size in [0, 1, 2047, 2048, 2049, 4096, 6145, 65_536, 69_999] {
            for distance in [0, 1, 16, 31, 32, 4095] {
                // The source that lies so far before the storage, modulo a page.
                let place = unsafe (UInt(bitPattern: storage.bytes.baseAddress) &- UInt(distance)) % 4096
                let part = unsafe UnsafeRawBufferPointer(rebasing: source[Int(place)..<Int(place) + size])
                unsafe storage.bytes.initializeMemory(as: UInt8.self, repeating: 0xa5)
                unsafe storage.copy(from: part)
                #expect(unsafe storage.bytes.prefix(size).elementsEqual(part))
                #expect(unsafe storage.bytes.dropFirst(size).allSatisfy { $0 == 0xa5 })
            }
        }
    }
}

/// Encodes the names of caches, routines, plugins and keys as file names, so that no name can escape its folder or
/// collide with another.
public enum CacheName {
    /// The longest encoded name that is not shortened; with its suffixes the file name stays under 255 bytes.
    static let longest = 160

    /// The file name, without a suffix, for any bytes.
    ///
    /// `[a-z0-9_-]` stays and every other byte becomes `%XX`; so names that differ in case only do not collide on any
    /// file system. The empty name becomes `%`. A name that is too long is cut, and `%%` and a hash of the whole name
    /// are appended; readers compare the complete name in the file's header.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        if bytes.isEmpty { return "%" }
        var name: [UInt8] = []
        for byte in bytes {
            if kept(byte) {
                name.append(byte)
            } else {
                name += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 15)]
            }
            if name.count > longest { return shorten(name, of: bytes) }
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// The file name, without a suffix, for a text.
    public static func encode(_ text: String) -> String { encode(text.utf8) }

    /// Whether two names are equal byte for byte. Unicode equivalence does not count.
    static func areSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

    /// The bytes that a file name stands for. A shortened name cannot be restored: it keeps its `%%` and hash.
    public static func decodeBytes(_ name: String) -> [UInt8] {
        if name == "%" { return [] }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let first = rest.first {
            let pair = rest.dropFirst().prefix(2)
            if first == UInt8(ascii: "%"), pair.count == 2,
                let byte = UInt8(String(decoding: pair, as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
                rest = rest.dropFirst()
            }
        }
        return bytes
    }

    /// The text that a file name stands for.
    public static func decode(_ name: String) -> String { String(decoding: decodeBytes(name), as: UTF8.self) }

    private static func kept(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func shorten(_ name: [UInt8], of bytes: some Collection<UInt8>) -> String {
        let hash = String(hash(bytes), radix: 16)
        let padding = String(repeating: "0", count: 32 - hash.count)
        return String(decoding: name.prefix(longest - 34), as: UTF8.self) + "%%" + padding + hash
    }

    /// The 128-bit FNV-1a hash. It does not resist deliberate collisions, which the complete name in the file reveals.
    static func hash(_ bytes: some Collection<UInt8>) -> UInt128 {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in bytes { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
        return hash
    }
}

internal import HostSystem

/// A hash that names contents: equal names mean equal bytes, barring deliberate collisions.
///
/// It combines 64 bits of a multiplicative hash, a 32-bit CRC and the size. The two hashes work differently, so that
/// one detects what the other misses; a CRC alone has too few bits for many files, and two CRCs with one polynomial
/// would miss the same changes. Deliberate collisions do not matter: whoever can write a plugin can run code anyway.
public struct ContentHash: Sendable {
    private var mixed: UInt64 = 0xCBF2_9CE4_8422_2325
    private var crc: UInt32 = 0
    private var size = 0
    private var rest: [UInt8] = []

    /// Creates the hash of no bytes.
    public init() {}

    /// Adds the next bytes, at about 2 bytes a nanosecond.
    public mutating func take(_ bytes: UnsafeRawBufferPointer) {
        crc = unsafe Checksum.crc32c(bytes, after: crc)
        size += bytes.count
        var at = 0
        if !rest.isEmpty {
            let count = min(8 - rest.count, bytes.count)
            unsafe rest.append(contentsOf: bytes[0..<count])
            at = count
            guard rest.count == 8 else { return }
            mix(unsafe rest.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) })
            rest.removeAll(keepingCapacity: true)
        }
        while at + 8 <= bytes.count {
            mix(unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        unsafe rest.append(contentsOf: bytes[at...])
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        mixed = (mixed ^ word) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 29
    }

    /// Whether a text has the form of a name by this type: three hexadecimal numbers separated by hyphens, the first
    /// one with all 16 digits.
    public static func isName(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].utf8.count == 16
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
    }

    /// The name of the bytes so far: letters, digits and hyphens.
    public var name: String {
        var whole = self
        if !rest.isEmpty {
            whole.mix(rest.reversed().reduce(UInt64(rest.count) << 56) { $0 ^ ($0 << 8) ^ UInt64($1) })
        }
        return Self.digits(whole.mixed, 16) + "-" + Self.digits(UInt64(crc), 8) + "-" + String(size, radix: 16)
    }

    private static func digits(_ value: UInt64, _ count: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    /// The name of a text.
    public static func name(of text: String) -> String {
        var hash = ContentHash()
        let bytes = Array(text.utf8)
        unsafe bytes.withUnsafeBytes { buffer in unsafe hash.take(buffer) }
        return hash.name
    }
}

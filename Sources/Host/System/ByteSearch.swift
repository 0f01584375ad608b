internal import CHostSystem
internal import Glibc

/// Searches bytes with the functions of glibc, which take many at a time. A range is clamped to the array.
public enum ByteSearch {
    /// The first place of a byte in a range. memchr(3)
    public static func first(_ byte: UInt8, in bytes: [UInt8], _ range: Range<Int>) -> Int? {
        unsafe within(bytes, range) { start, count in
            unsafe UnsafeRawPointer(memchr(start, Int32(byte), count))
        }
    }

    /// The last place of a byte in a range. memrchr(3)
    public static func last(_ byte: UInt8, in bytes: [UInt8], _ range: Range<Int>) -> Int? {
        unsafe within(bytes, range) { start, count in unsafe chs_memrchr(start, Int32(byte), count) }
    }

    /// Whether a range contains these bytes, one after the other. memmem(3)
    public static func contains(_ wanted: [UInt8], in bytes: [UInt8], _ range: Range<Int>) -> Bool {
        unsafe wanted.withUnsafeBytes { wanted in
            unsafe within(bytes, range) { start, count in
                unsafe chs_memmem(start, count, wanted.baseAddress, wanted.count)
            }
        } != nil
    }

    private static func within(
        _ bytes: [UInt8], _ range: Range<Int>,
        _ find: (UnsafeRawPointer, Int) -> UnsafeRawPointer?
    ) -> Int? {
        let range = range.clamped(to: 0..<bytes.count)
        return unsafe bytes.withUnsafeBytes { all in
            guard let start = all.baseAddress, !range.isEmpty,
                let found = unsafe find(start + range.lowerBound, range.count)
            else { return nil }
            return unsafe start.distance(to: found)
        }
    }
}

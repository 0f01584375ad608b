internal import CHostSystem

/// CRC-32C (Castagnoli), RFC 3720 appendix B.4: with the processor's instruction where it has one.
public enum Checksum {
    /// The checksum of `bytes`, going on from `previous` (0 at the start). About 8 bytes a nanosecond.
    public static func crc32c(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        unsafe chs_crc32c(previous, bytes.baseAddress, bytes.count)
    }

    /// The same by a table of 16 words: what a processor without the instruction runs, here to be tested.
    public static func portableCRC32C(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        unsafe chs_crc32c_portable(previous, bytes.baseAddress, bytes.count)
    }
}

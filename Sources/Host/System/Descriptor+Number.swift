internal import CHostSystem
internal import Glibc

extension Descriptor {
    /// The first 16 bytes of the file as two little-endian numbers; bytes past its end read as zero. pread(2).
    public func readNumbers(subject: @autoclosure () -> String) throws(SystemError) -> (UInt64, UInt64) {
        var numbers: (UInt64, UInt64) = (0, 0)
        _ = try retrying("pread", subject()) { unsafe pread(raw, &numbers, 16, 0) }
        return (UInt64(littleEndian: numbers.0), UInt64(littleEndian: numbers.1))
    }

    /// Writes two little-endian numbers to the first 16 bytes of the file. pwrite(2).
    public func writeNumbers(_ first: UInt64, _ second: UInt64, subject: @autoclosure () -> String) throws(SystemError)
    {
        var bytes = (first.littleEndian, second.littleEndian)
        let count = try retrying("pwrite", subject()) { unsafe pwrite(raw, &bytes, 16, 0) }
        if count != 16 { throw SystemError("pwrite", subject(), number: ENOSPC) }
    }
}

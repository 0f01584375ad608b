internal import CHostSystem
internal import Glibc

extension Descriptor {
    /// The 8 bytes at the start of the file as a number; nil when the file is shorter. pread(2).
    public func readNumber(subject: @autoclosure () -> String) throws(SystemError) -> UInt64? {
        var number: UInt64 = 0
        let count = try retrying("pread", subject()) { unsafe pread(raw, &number, 8, 0) }
        return count == 8 ? UInt64(littleEndian: number) : nil
    }

    /// Writes a number to the first 8 bytes of the file. pwrite(2).
    public func writeNumber(_ number: UInt64, subject: @autoclosure () -> String) throws(SystemError) {
        var bytes = number.littleEndian
        let count = try retrying("pwrite", subject()) { unsafe pwrite(raw, &bytes, 8, 0) }
        if count != 8 { throw SystemError("pwrite", subject(), number: ENOSPC) }
    }
}

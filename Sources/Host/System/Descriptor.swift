internal import CHostSystem
internal import Glibc
public import HostValues

/// A file descriptor that this value owns; it is closed when the value ends. Always close-on-exec.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number, for calls that borrow it; valid while this value lives.
    public let raw: Int32

    /// Takes ownership of a descriptor. Nobody else may close it.
    public init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        // Even a close that fails has released the descriptor: close(2), "Dealing with error returns".
        _ = Glibc.close(raw)
    }

    /// Gives up ownership; the caller closes the number.
    public consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor of the same open file: fcntl(2), `F_DUPFD_CLOEXEC`.
    public func duplicate() throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("fcntl", "descriptor \(raw)") { chs_fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    /// Makes reads and writes return `EAGAIN` instead of waiting: fcntl(2), `O_NONBLOCK`.
    public func setNonBlocking() throws(SystemError) {
        let flags = try retrying("fcntl", "descriptor \(raw)") { chs_fcntl(raw, F_GETFL, 0) }
        _ = try retrying("fcntl", "descriptor \(raw)") { chs_fcntl(raw, F_SETFL, Int(flags | O_NONBLOCK)) }
    }

    /// Reads once, at most the buffer's size; returns 0 at the end of the file. read(2).
    public func read(into buffer: UnsafeMutableRawBufferPointer, subject: @autoclosure () -> String = "descriptor")
        throws(SystemError) -> Int
    {
        try retrying("read", subject()) { unsafe Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }

    /// Writes once; returns the number of bytes written. write(2).
    public func write(_ bytes: UnsafeRawBufferPointer, subject: @autoclosure () -> String = "descriptor")
        throws(SystemError) -> Int
    {
        try retrying("write", subject()) { unsafe Glibc.write(raw, bytes.baseAddress, bytes.count) }
    }

    /// Writes all bytes of a blocking descriptor, however many calls that takes. write(2).
    public func writeAll(_ bytes: UnsafeRawBufferPointer, subject: @autoclosure () -> String) throws(SystemError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try unsafe write(rest, subject: subject())
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes all bytes of an array, like `writeAll` of a buffer.
    public func writeAll(_ bytes: [UInt8], subject: String) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try unsafe writeAll(buffer, subject: subject) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Reads at an offset into the whole buffer; returns fewer bytes only at the end of the file. pread(2).
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int, subject: @autoclosure () -> String)
        throws(SystemError) -> Int
    {
        var done = 0
        while done < buffer.count {
            let count = try retrying("pread", subject()) {
                unsafe pread(
                    raw, buffer.baseAddress.unsafelyUnwrapped + done, buffer.count - done, off_t(offset + done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads `count` bytes at an offset; returns fewer only at the end of the file. pread(2).
    public func read(count: Int, at offset: Int, subject: String) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(SystemError) {
                initialized = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), at: offset, subject: subject)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads the whole file; throws `EFBIG` if it has more than `limit` bytes. pread(2).
    public func readAll(limit: Int, subject: String) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let chunk = try read(count: 65_536, at: all.count, subject: subject)
            all += chunk
            if all.count > limit { throw SystemError("read, at most \(limit) bytes", subject, number: EFBIG) }
            if chunk.count < 65_536 { return all }
        }
    }

    /// Sets the file's size; what is added reads as zeros. ftruncate(2).
    public func truncate(to size: Int, subject: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("ftruncate", subject()) { ftruncate(raw, off_t(size)) }
    }

    /// Writes data and size through to the disk. fdatasync(2).
    public func synchronizeData(subject: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("fdatasync", subject()) { fdatasync(raw) }
    }

    /// Writes data and metadata through to the disk; for a directory, its entries. fsync(2).
    public func synchronize(subject: String) throws(SystemError) {
        _ = try retrying("fsync", subject) { fsync(raw) }
    }

    /// The file's kind, size, owner and times. fstat(2).
    public func status(subject: @autoclosure () -> String) throws(SystemError) -> FileStatus {
        var status = stat()
        _ = try retrying("fstat", subject()) { unsafe fstat(raw, &status) }
        return FileStatus(status)
    }

    /// Whether the descriptor is a terminal. isatty(3).
    public static func isTerminal(_ number: Int32) -> Bool { isatty(number) == 1 }
}

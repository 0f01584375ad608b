internal import CHostSystem
internal import Glibc
public import HostValues

/// The name of a directory entry, with its C string: it is converted once, where a `String` would be converted at each
/// call.
public struct FileName: Sendable {
    /// The name as text.
    public let text: String
    fileprivate let bytes: ContiguousArray<CChar>

    /// Makes a file name. The text must have no NUL byte and no slash.
    public init(_ text: String) {
        self.text = text
        bytes = text.utf8CString
    }
}

extension Directory {
    /// Makes a file that must not exist yet, with mode 0600, open for writing. openat(2), `O_EXCL`.
    public func create(_ name: FileName) throws(SystemError) -> Descriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let number = unsafe name.bytes.withUnsafeBufferPointer {
            unsafe chs_openat(descriptor.raw, $0.baseAddress, flags, 0o600)
        }
        if number >= 0 { return Descriptor(owning: number) }
        if chs_errno() == EINTR { return try create(name.text) }
        throw SystemError("openat", child(name.text))
    }

    /// The status of a file; nil if it cannot be had. Links are not followed. fstatat(2).
    public func status(_ name: FileName) -> FileStatus? {
        var status = stat()
        let result = unsafe name.bytes.withUnsafeBufferPointer {
            unsafe fstatat(descriptor.raw, $0.baseAddress.unsafelyUnwrapped, &status, AT_SYMLINK_NOFOLLOW)
        }
        return result == 0 ? FileStatus(status) : nil
    }

    /// Opens a regular file for overwriting, under a write lease that lasts until it is closed, and passes it to `use` with its
    /// status. Returns nil if there is no such file, if it has other names, or if it is open anywhere else.
    public func openForOverwriting<Result>(_ name: FileName, _ use: (consuming Descriptor, FileStatus) -> Result)
        -> Result?
    {
        let flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let number = unsafe name.bytes.withUnsafeBufferPointer {
            unsafe chs_openat(descriptor.raw, $0.baseAddress, flags, 0)
        }
        if number < 0 { return nil }
        let file = Descriptor(owning: number)
        guard file.lease(), let status = try? file.status(subject: ""), status.kind == .regular,
            status.links == 1
        else { return nil }
        return use(file, status)
    }

    /// Atomically exchanges the names of two files. Returns false if the file system does not support that.
    /// renameat2(2), `RENAME_EXCHANGE`.
    public func exchange(_ one: FileName, with other: FileName) throws(SystemError) -> Bool {
        let result = unsafe one.bytes.withUnsafeBufferPointer { one in
            unsafe other.bytes.withUnsafeBufferPointer { other in
                unsafe chs_exchange(descriptor.raw, one.baseAddress, other.baseAddress)
            }
        }
        if result == 0 { return true }
        let error = SystemError("renameat2", child(one.text))
        if error.number == EINVAL || error.number == ENOSYS || error.number == EOPNOTSUPP { return false }
        throw error
    }

    /// Renames a file, atomically replacing an existing one: other processes see the old one or the new one.
    /// renameat(2).
    public func rename(_ old: FileName, to new: FileName) throws(SystemError) {
        let result = unsafe old.bytes.withUnsafeBufferPointer { old in
            unsafe new.bytes.withUnsafeBufferPointer { new in
                unsafe renameat(
                    descriptor.raw, old.baseAddress.unsafelyUnwrapped, descriptor.raw, new.baseAddress.unsafelyUnwrapped
                )
            }
        }
        if result != 0 { throw SystemError("renameat", child(old.text)) }
    }
}

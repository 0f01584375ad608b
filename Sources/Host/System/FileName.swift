internal import CHostSystem
internal import Glibc
internal import HostValues

/// A name of a directory's entry in the form that the kernel takes: made once, where a `String` is turned into it at
/// each call.
public struct FileName: Sendable {
    /// The name.
    public let text: String
    fileprivate let bytes: ContiguousArray<CChar>

    /// A name without NUL bytes and slashes; the kernel refuses or misreads others.
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

    /// Opens a file to write over it: a regular one that has this name only, and that no other process and no other
    /// descriptor has open; it is leased until it is closed. nil when there is no such file.
    public func openForOverwriting(_ name: FileName) -> Descriptor? {
        let flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let number = unsafe name.bytes.withUnsafeBufferPointer {
            unsafe chs_openat(descriptor.raw, $0.baseAddress, flags, 0)
        }
        if number < 0 { return nil }
        let file = Descriptor(owning: number)
        guard file.lease(), let status = try? file.status(subject: ""), status.kind == .regular,
            status.links == 1
        else { return nil }
        return file
    }

    /// Gives each of two files the name of the other in one step. False where the file system cannot do that.
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

    /// Moves a file over another in one step: other processes see the old one or the new one. renameat(2).
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

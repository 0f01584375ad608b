internal import CHostSystem
internal import Glibc

extension Descriptor {
    /// Closes the descriptor and throws if that fails: a late write error can surface here. close(2).
    public consuming func close(subject: @autoclosure () -> String) throws(SystemError) {
        let number = release()
        // No second close after EINTR: Linux has released the descriptor by then.
        if Glibc.close(number) != 0, chs_errno() != EINTR { throw SystemError("close", subject()) }
    }

    /// Takes an advisory write lock on one byte of the open file; the byte need not exist. Returns false if the lock is
    /// not free within `patience` ns. fcntl(2), `F_OFD_SETLK`.
    ///
    /// The lock belongs to the open file description, not to the process: two opens exclude each other within one
    /// process too. It ends when the last descriptor of that description is closed, also by a crash. Between tries the
    /// thread sleeps for 1 to 50 ms. Waiters have no order, so it suits locks with little contention.
    public func lockByte(at offset: Int64, patience: Int64, subject: String) throws(SystemError) -> Bool {
        var rest = patience
        var pause: Int64 = 1_000_000
        while true {
            if try tryLock(at: offset, subject: subject) { return true }
            if rest <= 0 { return false }
            let next = min(pause, rest)
            var time = timespec(tv_sec: 0, tv_nsec: Int(next))
            unsafe nanosleep(&time, nil)
            rest -= next
            pause = min(pause * 2, 50_000_000)
        }
    }

    /// Releases a lock of `lockByte`; the file stays open. fcntl(2), `F_OFD_SETLK`.
    public func unlockByte(at offset: Int64, subject: String) throws(SystemError) {
        try setLock(Int32(F_UNLCK), at: offset, subject: subject)
    }

    /// Takes a write lease on the open file, so that this process alone has it open until it is closed.
    ///
    /// A process that opens the file meanwhile waits, or fails with `isHeld` if it opened it without waiting. Returns
    /// false if the file is open anywhere else, or if the file system has no leases. fcntl(2), `F_SETLEASE`.
    public func lease() -> Bool { chs_lease(raw) == 0 }

    /// Ends the lease, without closing the file. The file forgets with it by which signal the kernel tells that somebody waits.
    public func endLease() { _ = chs_fcntl(raw, Self.leaseRequest, Int(F_UNLCK)) }

    /// Writes once at an offset; returns the number of bytes written. pwrite(2).
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int, subject: @autoclosure () -> String)
        throws(SystemError) -> Int
    {
        try retrying("pwrite", subject()) { unsafe pwrite(raw, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    private func setLock(_ type: Int32, at offset: Int64, subject: String) throws(SystemError) {
        var range = flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = off_t(offset)
        range.l_len = 1
        _ = try retrying("fcntl", subject) {
            unsafe withUnsafeMutablePointer(to: &range) { pointer in
                chs_fcntl(raw, F_OFD_SETLK, Int(bitPattern: pointer))
            }
        }
    }

    private func tryLock(at offset: Int64, subject: String) throws(SystemError) -> Bool {
        do {
            try setLock(Int32(F_WRLCK), at: offset, subject: subject)
            return true
        } catch {
            if error.isHeld { return false }
            throw error
        }
    }
}

extension Descriptor {
    /// Reserves disk space for the bytes from `start` to `end`, and extends the file if it is shorter. Existing content
    /// stays. posix_fallocate(3).
    ///
    /// Without the reservation, a hole in a mapped file raises `SIGBUS` when the disk is full; this call reports that
    /// as an error instead.
    public func allocate(from start: Int, to end: Int, subject: @autoclosure () -> String) throws(SystemError) {
        guard end > start else { return }
        var number: Int32
        repeat { number = posix_fallocate(raw, off_t(start), off_t(end - start)) } while number == EINTR
        if number != 0 { throw SystemError("posix_fallocate", subject(), number: number) }
    }
}

extension SystemError {
    /// The error for a name that is not a regular file.
    public static func notRegular(_ path: String) -> SystemError { SystemError("openat", path, number: ELOOP) }

    /// Whether the name was a link that is not followed, or not a regular file (`ELOOP`).
    public var isNotRegular: Bool { number == ELOOP }

    /// Whether another process holds the lock or a lease on the file: `EAGAIN`, or `EACCES`, which fcntl(2) allows as
    /// well.
    public var isHeld: Bool { number == EAGAIN || number == EACCES }
}

extension Directory {
    /// Opens a file like `openForReading`, but without updating its time of last access (`O_NOATIME`) where that is
    /// permitted.
    ///
    /// The first read of a file that was just replaced would otherwise write that time, which costs as much as a write.
    public func openQuietly(_ name: String) throws(SystemError) -> Descriptor {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME
        do {
            let number = try retrying("openat", child(name)) { unsafe chs_openat(descriptor.raw, name, flags, 0) }
            return Descriptor(owning: number)
        } catch {
            if error.number != EPERM { throw error }
            return try openForReading(name)
        }
    }
}

internal import CHostSystem
internal import Glibc

extension Descriptor {
    /// Closes now, and says when that failed: a late write error can come up here. close(2).
    public consuming func close(subject: @autoclosure () -> String) throws(SystemError) {
        let number = release()
        // Not again after EINTR: Linux has released the descriptor by then.
        if Glibc.close(number) != 0, chs_errno() != EINTR { throw SystemError("close", subject()) }
    }

    /// Takes an advisory write lock on one byte of the open file; the byte need not exist. fcntl(2), `F_OFD_SETLK`.
    ///
    /// Belongs to the open file, not to the process: two opens exclude each other within a process too. Gone when
    /// the last descriptor of this open file is closed, also by a crash. Sleeps for `patience` ns between the tries, in
    /// steps of 1 to 50 ms, then returns false. The lock has no queue: it is for what is seldom contended.
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

    /// Gives a lock of `lockByte` back, and keeps the file open. fcntl(2), `F_OFD_SETLK`.
    public func unlockByte(at offset: Int64, subject: String) throws(SystemError) {
        try setLock(Int32(F_UNLCK), at: offset, subject: subject)
    }

    /// Has the open file for this process alone until it is closed: who opens it meanwhile waits, or fails with `isHeld`
    /// if he does not wait. False when somebody else has it open already, by whatever means, and where the file system
    /// has no leases. fcntl(2), `F_SETLEASE`.
    public func lease() -> Bool { chs_lease(raw) == 0 }

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
    /// Sees to it that the file has room on its disk for these bytes, and is long enough for them. What was written there
    /// stays. posix_fallocate(3).
    ///
    /// A hole in a file that is mapped is a `SIGBUS` when the disk is full; an error here is none.
    public func allocate(from start: Int, to end: Int, subject: @autoclosure () -> String) throws(SystemError) {
        guard end > start else { return }
        var number: Int32
        repeat { number = posix_fallocate(raw, off_t(start), off_t(end - start)) } while number == EINTR
        if number != 0 { throw SystemError("posix_fallocate", subject(), number: number) }
    }
}

extension SystemError {
    /// The error of a name that leads to something else than a regular file.
    public static func notRegular(_ path: String) -> SystemError { SystemError("openat", path, number: ELOOP) }

    /// Whether the name was a link where none is followed, or no regular file (`ELOOP`).
    public var isNotRegular: Bool { number == ELOOP }

    /// Whether somebody else holds the lock, or has the file for himself at the moment: `EAGAIN`, or `EACCES`, which
    /// fcntl(2) allows as well.
    public var isHeld: Bool { number == EAGAIN || number == EACCES }
}

extension Directory {
    /// `openForReading`, but reading leaves the time of last access alone (`O_NOATIME`) where we may say so.
    ///
    /// The first read of a file that was just replaced would otherwise write that time: it costs as much as a write.
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

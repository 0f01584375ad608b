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
    /// the last descriptor of this open file is closed, also by a crash. Tries for up to `patience` ns, in steps of
    /// 1 to 50 ms, then returns false. The lock has no queue: it is for what is seldom contended.
    public func lockByte(at offset: Int64, patience: Int64, subject: String) throws(SystemError) -> Bool {
        let clock = SystemClock()
        let deadline = clock.monotonic().addingReportingOverflow(patience)
        var pause = 1_000_000
        while true {
            if try tryLock(at: offset, subject: subject) { return true }
            if !deadline.overflow, clock.monotonic() >= deadline.partialValue { return false }
            var time = timespec(tv_sec: 0, tv_nsec: pause)
            unsafe nanosleep(&time, nil)
            pause = min(pause * 2, 50_000_000)
        }
    }

    /// Gives a lock of `lockByte` back, and keeps the file open. fcntl(2), `F_OFD_SETLK`.
    public func unlockByte(at offset: Int64, subject: String) throws(SystemError) {
        try setLock(Int32(F_UNLCK), at: offset, subject: subject)
    }

    /// Says that the open file is read: until it is closed, nobody's `claimForWriting` succeeds. False when somebody
    /// writes it. Where the file system has no such locks, true. fcntl(2), `F_OFD_SETLK`, over the whole file.
    public func claimForReading() -> Bool {
        do {
            try setLock(Int32(F_RDLCK), at: 0, length: 0, subject: "")
        } catch {
            return !error.isHeld
        }
        return true
    }

    /// Says that the open file is written: until it is closed, nobody's `claimForReading` succeeds. False when
    /// somebody reads or writes it, and where the file system has no such locks.
    public func claimForWriting() -> Bool {
        (try? setLock(Int32(F_WRLCK), at: 0, length: 0, subject: "")) != nil
    }

    private func setLock(_ type: Int32, at offset: Int64, length: Int = 1, subject: String) throws(SystemError) {
        var range = flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = off_t(offset)
        range.l_len = off_t(length)
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

extension SystemError {
    /// The error of a name that leads to something else than a regular file.
    public static func notRegular(_ path: String) -> SystemError { SystemError("openat", path, number: ELOOP) }

    /// Whether the name was a link where none is followed, or no regular file (`ELOOP`).
    public var isNotRegular: Bool { number == ELOOP }

    /// The error of a file that somebody else has for himself at the moment.
    public static func held(_ path: String) -> SystemError { SystemError("fcntl", path, number: EAGAIN) }

    /// Whether somebody else holds the lock: `EAGAIN`, or `EACCES`, which fcntl(2) allows as well.
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

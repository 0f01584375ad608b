internal import CHostSystem
internal import Glibc

/// Standard output and standard error, written without buffering.
public enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Writes all bytes, waiting for the reader if necessary; returns false if the reader is gone or a write fails.
    /// write(2).
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        if self == .output, !bytes.isEmpty, Self.fate.withLock({ $0.isClosed }) {
            noteLoss(EBADF)
            return false
        }
        return unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = unsafe Glibc.write(
                    rawValue, buffer.baseAddress.unsafelyUnwrapped + done, buffer.count - done)
                if count < 0 {
                    let number = chs_errno()
                    if number == EINTR { continue }
                    if number == EAGAIN {
                        var poll = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                        _ = unsafe Glibc.poll(&poll, 1, 1000)
                        continue
                    }
                    noteLoss(number)
                    return false
                }
                done += count
            }
            return true
        }
    }

    /// What has become of standard output.
    private struct Fate {
        /// Whether the process began without one, so that something else is in its place.
        var isClosed = false
        var loss: SystemError?
    }

    private static let fate = Monitor(Fate())

    /// The first failed write to standard output; nil if there was none. A reader that has closed the pipe does not
    /// count, since it wants no more.
    public static var outputLoss: SystemError? { fate.withLock { $0.loss } }

    /// Notes that the process began with standard output closed. What is written there from now on is lost, and counts so:
    /// `occupyStandardDescriptors` puts into its place what takes everything.
    static func outputIsClosed() { fate.withLock { $0.isClosed = true } }

    private func noteLoss(_ number: Int32) {
        guard self == .output, number != EPIPE else { return }
        let error = SystemError("write", "standard output", number: number)
        Self.fate.withLock { if $0.loss == nil { $0.loss = error } }
    }

    /// Writes a text like `write` of bytes.
    @discardableResult
    public func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// Whether the stream is a terminal. isatty(3).
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Whether to use colours: on a terminal, unless `NO_COLOR` is set in the environment.
    public var showsColors: Bool { isTerminal && (HostProcess.environment("NO_COLOR") ?? "").isEmpty }

    /// Whether the stream leads to the systemd journal: `$JOURNAL_STREAM` has its device and inode. systemd.exec(5).
    public var isJournal: Bool {
        guard let variable = HostProcess.environment("JOURNAL_STREAM") else { return false }
        var status = stat()
        guard unsafe fstat(rawValue, &status) == 0 else { return false }
        return variable == "\(status.st_dev):\(status.st_ino)"
    }
}

extension StandardStream {
    /// Writes all bytes without waiting. Returns false, possibly after a part of them, if the reader has no room.
    /// poll(2).
    ///
    /// A pipe that polls as writable takes 4096 bytes without blocking (pipe(7), `PIPE_BUF`), so the bytes are written
    /// in such pieces.
    public func writeIfReady(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                var poll = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                guard unsafe Glibc.poll(&poll, 1, 0) == 1, poll.revents & Int16(POLLOUT) != 0 else { return false }
                let size = min(4096, buffer.count - done)
                let count = unsafe Glibc.write(rawValue, buffer.baseAddress.unsafelyUnwrapped + done, size)
                if count < 0 {
                    if chs_errno() == EINTR { continue }
                    return false
                }
                done += count
            }
            return true
        }
    }
}

internal import CHostSystem
internal import Glibc

/// Standard output and standard error, written without a buffer.
public enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Writes all bytes, as far as the reader lets it; false when it is gone. write(2).
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = unsafe Glibc.write(rawValue, buffer.baseAddress! + done, buffer.count - done)
                if count < 0 {
                    let number = chs_errno()
                    if number == EINTR { continue }
                    if number == EAGAIN {
                        var poll = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                        _ = unsafe Glibc.poll(&poll, 1, 1000)
                        continue
                    }
                    return false
                }
                done += count
            }
            return true
        }
    }

    /// Writes a text: `write`.
    @discardableResult
    public func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// Whether it is a terminal. isatty(3).
    public var isTerminal: Bool { isatty(rawValue) == 1 }
}

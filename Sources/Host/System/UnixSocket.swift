internal import CHostSystem
internal import Glibc
internal import HostValues

/// Stream sockets in the file system. unix(7).
///
/// They are reached through an open directory, so no path is too long for a socket address, and no directory can be
/// exchanged on the way.
public enum UnixSocket {
    /// Listens at a name in a directory, with mode 0600 and without blocking. Replaces a socket of that name; any other
    /// file of that name stays and causes an error.
    public static func listen(_ directory: borrowing Directory, name: String) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            if try directory.status(name).kind == .socket { try directory.remove(name) }
        } catch {
            if !error.isNotFound { throw error }
        }
        let path = place(directory, name)
        let number = try retrying("bind", directory.child(name)) { unsafe chs_unix_listen(path, 64) }
        return Descriptor(owning: number)
    }

    /// Connects to a name in a directory. If the other side does not accept within `timeout` ms, it throws `EAGAIN`.
    public static func connect(_ directory: borrowing Directory, name: String, timeout: Int32)
        throws(SystemError) -> Descriptor
    {
        let path = place(directory, name)
        let number = try retrying("connect", directory.child(name)) { unsafe chs_unix_connect(path, timeout) }
        return Descriptor(owning: number)
    }

    private static func place(_ directory: borrowing Directory, _ name: String) -> String {
        "/proc/self/fd/\(directory.descriptor.raw)/\(name)"
    }

    /// Sends one datagram without waiting, to a path, or to an abstract name if it starts with `@`. sendto(2).
    public static func sendDatagram(_ bytes: [UInt8], to path: String) throws(SystemError) {
        _ = try retrying("sendto", path) {
            unsafe bytes.withUnsafeBytes { buffer in
                unsafe chs_unix_datagram(path, buffer.baseAddress, buffer.count)
            }
        }
    }
}

extension SystemError {
    /// Whether no process listens at the socket (`ECONNREFUSED`).
    public var isRefused: Bool { number == ECONNREFUSED }
}

extension Descriptor {
    /// Accepts the next connection of a non-blocking listening socket; nil if there is none now. accept4(2).
    public func accept() throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(owning: try retrying("accept4", "socket") { chs_accept(raw) })
        } catch {
            if error.wouldBlock || error.number == ECONNABORTED { return nil }
            throw error
        }
    }

    /// The user and the process at the other end of a Unix socket: the one that connected, or the one that listens.
    /// That process may have passed its descriptor on since. unix(7), `SO_PEERCRED`.
    public func peer() throws(SystemError) -> (user: UInt32, process: Int32) {
        var user: UInt32 = 0
        var process: Int32 = 0
        _ = try retrying("getsockopt", "socket") { unsafe chs_peer(raw, &user, &process) }
        return (user, process)
    }

    /// Receives what has arrived at a socket, at most `size` bytes; empty at the end of the stream, nil if nothing has
    /// arrived yet. recv(2).
    public func receive(atMost size: Int) throws(SystemError) -> [UInt8]? {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do throws(SystemError) {
                count = try unsafe receive(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure {
            if failure.wouldBlock { return nil }
            throw failure
        }
        return bytes
    }

    /// Sends as much of `bytes` from `offset` on as the socket takes without blocking; returns the number of bytes
    /// sent. send(2).
    public func send(_ bytes: [UInt8], from offset: Int) throws(SystemError) -> Int {
        var failure: SystemError?
        var sent = 0
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(SystemError) {
                sent = try unsafe send(
                    UnsafeRawBufferPointer(rebasing: buffer[min(offset, buffer.count)...]), wait: false)
            } catch {
                failure = error
            }
        }
        if let failure {
            if failure.wouldBlock { return 0 }
            throw failure
        }
        return sent
    }

    /// Reads once from a blocking descriptor, at most `size` bytes; empty at the end. read(2).
    public func read(atMost size: Int, subject: String) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do throws(SystemError) {
                count = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), subject: subject)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

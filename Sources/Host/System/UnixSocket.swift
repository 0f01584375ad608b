internal import CHostSystem
internal import Glibc
internal import HostValues

/// Stream sockets in the file system. unix(7).
///
/// They are reached through an open directory, so no path is too long and none can be exchanged meanwhile.
public enum UnixSocket {
    /// Listens at a name in a directory, with mode 0600, in the place of a socket that is there by that name; anything
    /// else that is there stays, and is an error. Does not block.
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

    /// Connects to a name in a directory. What the other side does not answer within `timeout` ms fails with `EAGAIN`.
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

    /// Sends one datagram without waiting, to a path or with `@` in front to an abstract name. sendto(2).
    public static func sendDatagram(_ bytes: [UInt8], to path: String) throws(SystemError) {
        _ = try retrying("sendto", path) {
            unsafe bytes.withUnsafeBytes { buffer in
                unsafe chs_unix_datagram(path, buffer.baseAddress, buffer.count)
            }
        }
    }
}

extension SystemError {
    /// Whether nobody listens there (`ECONNREFUSED`).
    public var isRefused: Bool { number == ECONNREFUSED }
}

extension Descriptor {
    /// The next connection of a listening socket, which does not block; nil when there is none now. accept4(2).
    public func accept() throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(owning: try retrying("accept4", "socket") { chs_accept(raw) })
        } catch {
            if error.wouldBlock || error.number == ECONNABORTED { return nil }
            throw error
        }
    }

    /// The user and the process that connected a socket of the file system, or that listens at it. The process may have
    /// handed its descriptor on since. unix(7), `SO_PEERCRED`.
    public func peer() throws(SystemError) -> (user: UInt32, process: Int32) {
        var user: UInt32 = 0
        var process: Int32 = 0
        _ = try retrying("getsockopt", "socket") { unsafe chs_peer(raw, &user, &process) }
        return (user, process)
    }

    /// What a socket has now, at most so many bytes; empty at the end, nil when there is nothing yet. recv(2).
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

    /// Sends what the socket takes now of `bytes` from `offset` on; returns how many went. send(2).
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

    /// Reads once from a blocking descriptor, at most so many bytes; empty at the end. read(2).
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

internal import CHostSystem
internal import Glibc

/// The process at the other end of a Unix socket, which may end at any time. Another process may then get its id.
public struct PeerProcess: ~Copyable {
    /// Its id; 0 if it is outside of this process's container.
    public let pid: Int32
    /// Refers to the process itself; -1 if the kernel has no such descriptors (before Linux 6.5).
    private let descriptor: Int32

    /// Creates a reference to the process that has connected. Returns nil if it is gone already. unix(7),
    /// `SO_PEERPIDFD`.
    public init?(of socket: borrowing Descriptor, pid: Int32) {
        let number = chs_peer_process(socket.raw)
        if number < 0, chs_errno() != ENOPROTOOPT { return nil }
        self.pid = pid
        descriptor = number
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    /// Whether a process that has this id now is certainly this one.
    public func isStill(_ pid: Int32) -> Bool { descriptor >= 0 && pid == self.pid && !isGone }

    /// Whether it has ended. If this returns false, what was read about the process id before is about this process;
    /// without a descriptor, it may be about a later process with that id.
    public var isGone: Bool {
        if descriptor < 0 { return pid != 0 && !ProcessFamily.isAlive(pid) }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, 0) != 0
    }
}

internal import CHostSystem
internal import Glibc

/// A listening TCP socket at a numeric address; connections come by `accept`. ip(7).
public struct TCPListener: ~Copyable {
    /// To watch, and to accept from. Does not block.
    public let descriptor: Descriptor
    /// The port, also where 0 was asked for.
    public let port: UInt16

    /// Listens there; port 0 is any that is free.
    public init(address: String, port: UInt16) throws(SystemError) {
        var bound: UInt16 = 0
        let number = try retrying("bind", "\(address):\(port)") { unsafe chs_tcp_listen(address, port, 64, &bound) }
        descriptor = Descriptor(owning: number)
        self.port = bound
    }

    /// Whether a numeric address belongs to the loopback interface; nil for what is no numeric address.
    public static func isLoopback(_ address: String) -> Bool? {
        switch unsafe chs_is_loopback(address) {
        case 1: true
        case 0: false
        default: nil
        }
    }
}

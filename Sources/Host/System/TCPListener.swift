internal import CHostSystem
internal import Glibc

/// A listening TCP socket at a numeric address; `accept` of its descriptor takes the connections. ip(7).
public struct TCPListener: ~Copyable {
    /// The listening socket, non-blocking.
    public let descriptor: Descriptor
    /// The port that it listens at, even if 0 was asked for.
    public let port: UInt16

    /// Listens at an address; port 0 means any free port.
    public init(address: String, port: UInt16) throws(SystemError) {
        var bound: UInt16 = 0
        let number = try retrying("bind", "\(address):\(port)") { unsafe chs_tcp_listen(address, port, 64, &bound) }
        descriptor = Descriptor(owning: number)
        self.port = bound
    }

    /// Whether a numeric address belongs to the loopback interface; nil if the text is not a numeric address.
    public static func isLoopback(_ address: String) -> Bool? {
        switch unsafe chs_is_loopback(address) {
        case 1: true
        case 0: false
        default: nil
        }
    }
}

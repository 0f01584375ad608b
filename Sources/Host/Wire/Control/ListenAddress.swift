/// The address at which the host serves its page: `--listen`.
public enum ListenAddress: Equatable, Sendable {
    /// An IP address such as `127.0.0.1` or `::1`, and a port; 0 means any free port.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix domain socket. File permissions decide who may connect.
    case unix(String)

    /// Parses `127.0.0.1:9800`, `[::1]:9800`, `localhost:9800` or `unix:PATH`. Does not check that the host part is a
    /// valid address.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, !path.hasSuffix("/") else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self = .tcp(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    }
}

/// Where to listen: a numeric address and a port.
public struct ListenAddress: Equatable, Sendable {
    /// The address, such as `127.0.0.1` or `::1`.
    public var host: String
    /// The port; 0 for any that is free.
    public var port: UInt16

    /// Reads `127.0.0.1:9800`, `[::1]:9800` or `localhost:9800`; whether the address is one is not looked at.
    public init?(_ text: String) {
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
        self.host = host == "localhost" ? "127.0.0.1" : host
        self.port = port
    }

    /// The address as it stands in a URL.
    public var hostText: String { host.contains(":") ? "[\(host)]" : host }
}

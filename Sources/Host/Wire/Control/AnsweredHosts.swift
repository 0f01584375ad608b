/// The names in Host headers to which the page answers. Any other name may be a DNS rebinding attack: a web page of
/// somebody else whose name leads to this machine, so that the browser lets it read the answer.
public enum AnsweredHosts: Equatable, Sendable {
    /// The loopback interface: `localhost`, `127.0.0.1` or `[::1]`.
    case loopback
    /// In addition, all numeric addresses, since an attack needs a name, and these names, which are in lower case.
    /// Requests without a Host header are answered too, since each browser sends one.
    case network(names: Set<String>)
    /// Any, since no browser can send a request.
    case any

    /// Whether a request with that Host header, in lower case and with or without a port, is answered.
    public func contains(_ header: String) -> Bool {
        let others: Set<String>?
        switch self {
        case .any: return true
        case .loopback: others = nil
        case .network(let names): others = names
        }
        var name = header[...]
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]"), Self.isPort(name[name.index(after: end)...]) else { return false }
            name = name[...end]
        } else if let colon = name.firstIndex(of: ":") {
            guard Self.isPort(name[colon...]) else { return false }
            name = name[..<colon]
        }
        if name.hasSuffix(".") { name.removeLast() }
        let isNumeric = Self.isNumeric(name)
        if name == "localhost" || name == "[::1]" || isNumeric && name.hasPrefix("127.") { return true }
        guard let others else { return false }
        return header.isEmpty || isNumeric || others.contains(String(name))
    }

    private static func isNumeric(_ name: Substring) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") {
            let address = name.dropFirst().dropLast()
            return address.contains(":") && address.allSatisfy { $0 == ":" || $0 == "." || $0.isHexDigit && $0.isASCII }
        }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber })
    }
}

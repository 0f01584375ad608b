internal import HostValues

/// An HTTP/1.1 request, as far as a read-only server needs it. Pure; the input may be any bytes.
public struct HTTPRequest: Equatable, Sendable {
    /// The maximum length of a request's head in bytes. It is generous, because a browser sends the cookies that all
    /// other programs on this machine's `localhost` have set, whatever their port.
    public static let longest = 32 << 10

    /// An incremental search for the end of a head that arrives in parts: each byte is examined only once.
    public struct Search: Sendable {
        private var count = 0
        private var isAtLineStart = false

        /// Creates a search that has not examined any bytes.
        public init() {}

        /// The length of the head in bytes, including the empty line at its end; nil if the end has not arrived yet.
        mutating func length(in bytes: ArraySlice<UInt8>) -> Int? {
            for byte in bytes.dropFirst(count).prefix(HTTPRequest.longest + 4 - count) {
                count += 1
                if byte == 0x0A {
                    if isAtLineStart { return count }
                    isAtLineStart = true
                } else if byte != 0x0D {
                    isAtLineStart = false
                }
            }
            return nil
        }
    }

    /// `GET` or `HEAD`.
    public var method: String
    /// The path without the query, undecoded.
    public var path: String
    /// The text after `?`; empty if there is none.
    public var query: String
    /// The Host header, in lower case.
    public var host: String
    /// Whether the client asks to keep the connection open.
    public var keepsAlive: Bool

    /// The result of reading a buffer.
    public enum Reading: Equatable, Sendable {
        /// The head is not complete yet.
        case partial
        /// A request, and its length in bytes.
        case request(HTTPRequest, length: Int)
        /// A request that is not served, with the status of the answer and an explanation.
        case refused(status: Int, text: String)
    }

    /// Reads the head at the start of the bytes. A request with a body is refused.
    public static func read(_ bytes: ArraySlice<UInt8>) -> Reading {
        var search = Search()
        return read(bytes, &search)
    }

    /// Does the same for bytes that begin with those that `search` has examined before.
    public static func read(_ bytes: ArraySlice<UInt8>, _ search: inout Search) -> Reading {
        guard let length = search.length(in: bytes) else {
            return bytes.count > longest ? .refused(status: 431, text: "the request's head is over 32 KiB") : .partial
        }
        if length > longest { return .refused(status: 431, text: "the request's head is over 32 KiB") }
        let head = bytes[bytes.startIndex..<bytes.startIndex + length]
        // Header values may contain bytes beyond ASCII (RFC 9110, 5.5). Such bytes cannot be line breaks in any
        // encoding.
        guard head.allSatisfy({ $0 == 0x0D || $0 == 0x0A || $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            return .refused(status: 400, text: "the head has bytes that are no text")
        }
        var lines = head.split { $0 == 0x0A || $0 == 0x0D }.map { String(decoding: $0, as: UTF8.self) }
        guard !lines.isEmpty else { return .refused(status: 400, text: "there is no request line") }
        guard lines[0].utf8.allSatisfy({ $0 < 0x80 }) else {
            return .refused(status: 400, text: "the request line has bytes beyond ASCII")
        }
        let words = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", let target = Target(words[1]) else {
            return .refused(status: 400, text: "the request line is not METHOD /PATH HTTP/1.1")
        }
        guard words[0] == "GET" || words[0] == "HEAD" else {
            return .refused(status: 405, text: "only GET and HEAD are served: nothing can be changed here")
        }
        return fields(lines, words, target, length)
    }

    private static func fields(_ lines: [String], _ words: [String], _ target: Target, _ length: Int) -> Reading {
        var request = HTTPRequest(
            method: words[0], path: target.path, query: target.query, host: "", keepsAlive: words[2] == "HTTP/1.1")
        var hosts = 0
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[0].contains(" ") else {
                return .refused(status: 400, text: "a header is not NAME: VALUE")
            }
            let value = String(parts[1].drop { $0 == " " || $0 == "\t" }).lowercased()
            switch parts[0].lowercased() {
            case "host":
                request.host = value
                hosts += 1
            case "connection":
                if value.contains("close") { request.keepsAlive = false }
            case "content-length" where value != "0", "transfer-encoding":
                return .refused(status: 413, text: "a request here has no body")
            default: break
            }
        }
        guard hosts == 1 || (hosts == 0 && words[2] == "HTTP/1.0") else {
            return .refused(status: 400, text: "there must be one Host header")
        }
        // An absolute target names the host; the header then counts for nothing (RFC 9112, 3.2.2).
        if let host = target.host { request.host = host }
        return .request(request, length: length)
    }

    /// What a request line asks for: an origin form (`/path?query`) or an absolute one (`http://host/path?query`), which
    /// proxies send and every server must accept. RFC 9112, 3.2.
    private struct Target {
        /// The authority of an absolute form, in lower case; nil for an origin form.
        var host: String?
        var path: String
        var query: String

        init?(_ text: String) {
            var rest = text[...]
            let scheme = "http://"
            if rest.prefix(scheme.count).lowercased() == scheme {
                rest = rest.dropFirst(scheme.count)
                let authority = rest.prefix { $0 != "/" && $0 != "?" }
                guard !authority.isEmpty, !authority.contains("@") else { return nil }
                host = authority.lowercased()
                rest = rest[authority.endIndex...]
                if !rest.hasPrefix("/") { rest = "/" + rest }
            }
            guard rest.hasPrefix("/") else { return nil }
            let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            path = String(parts[0])
            query = parts.count > 1 ? String(parts[1]) : ""
        }
    }

    /// The undecoded value of a query parameter; nil if the parameter is absent.
    public func value(_ name: String) -> String? {
        query.split(separator: "&").first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }

    /// The value of a query parameter as text; nil if the parameter is absent, or is no encoded UTF-8. RFC 3986, 2.1.
    public func text(_ name: String) -> String? {
        guard let value = value(name) else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(value.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ Self.digit($0) }),
                let low = rest.popFirst().flatMap({ Self.digit($0) })
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

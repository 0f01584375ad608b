/// An HTTP/1.1 response. Pure.
public struct HTTPResponse: Sendable {
    /// The status, such as 200.
    public var status: Int
    /// The media type of the body.
    public var type: String
    /// The body.
    public var body: [UInt8]
    /// The scripts that may run, as a source expression of a Content-Security-Policy.
    public var script: String

    /// Creates a response. No script of the body runs unless `script` permits it, for example by `'sha256-…'`.
    public init(status: Int = 200, type: String, body: [UInt8], script: String = "'none'") {
        self.status = status
        self.type = type
        self.body = body
        self.script = script
    }

    /// Creates a response of one line of plain text.
    public init(status: Int, text: String) {
        self.init(status: status, type: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }

    /// Creates a response of JSON.
    public init(json: [UInt8]) { self.init(type: "application/json", body: json) }

    /// The head including the empty line. Its headers forbid loading from other origins, framing and caching.
    public func head(keepsAlive: Bool) -> [UInt8] {
        var lines = [
            "HTTP/1.1 \(status) \(Self.reason(status))", "Content-Type: \(type)", "Content-Length: \(body.count)",
            "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
            "Referrer-Policy: no-referrer", "Cross-Origin-Resource-Policy: same-origin",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src \(script); "
                + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                + "require-trusted-types-for 'script'; trusted-types 'none'",
            "Connection: \(keepsAlive ? "keep-alive" : "close")",
        ]
        if status == 405 { lines.append("Allow: GET, HEAD") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 421: "Misdirected Request"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }
}

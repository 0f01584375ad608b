internal import PluginAPI

/// A response as its bytes arrive: status line, headers, and a body by length, in chunks or until the end. RFC 9112.
///
/// Bounded, because a server may send without end: 64 KiB each of headers, of trailers and of chunk extensions, 16 interim
/// responses, `limit` bytes of body. What was read is not kept. Refuses what does not follow the rules.
struct HTTPResponse {
    private enum Framing {
        case length(Int)
        case chunked
        case untilClose
    }

    private enum ChunkState {
        case size
        case data(Int)
        case dataEnd
        case trailer
        case done
    }

    /// Of headers, trailers and chunk extensions each.
    private static var mostBytes: Int { 65_536 }
    private static var mostInterim: Int { 16 }

    private let limit: Int
    private var interim = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var buffer: [UInt8] = []
    private var position = 0
    private var framing: Framing?
    private var chunk = ChunkState.size
    private(set) var body: [UInt8] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes bytes; true once the response is complete.
    mutating func receive(_ bytes: some Sequence<UInt8>) throws -> Bool {
        buffer.removeFirst(position)
        position = 0
        buffer += bytes
        while framing == nil {
            guard let head = try nextHead() else { return false }
            framing = try Self.framing(of: head)
        }
        switch framing {
        case .length(let length):
            try takeBody(length - body.count)
            return body.count == length
        case .untilClose:
            try takeBody(.max)
            return false
        case .chunked: return try takeChunks()
        case nil: return false
        }
    }

    /// Tells that the peer has closed; true if the response is complete.
    func isCompleteAtEnd() -> Bool {
        if case .untilClose = framing { true } else { false }
    }

    /// Lines of the next final head; nil when more bytes are needed. Interim responses (1xx) are passed over.
    private mutating func nextHead() throws -> [String]? {
        var lines: [String] = []
        var at = position
        while let end = buffer[at...].firstIndex(of: UInt8(ascii: "\n")) {
            if end - position > Self.mostBytes { throw Failure("the answer's headers are larger than 64 KiB") }
            var line = buffer[at..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            at = end + 1
            if line.isEmpty {
                position = at
                if try Self.status(of: lines) / 100 == 1 {
                    interim += 1
                    if interim > Self.mostInterim {
                        throw Failure("more than \(Self.mostInterim) interim answers come before the answer")
                    }
                    lines = []
                    continue
                }
                return lines
            }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        if buffer.count - position > Self.mostBytes { throw Failure("the answer's headers are larger than 64 KiB") }
        return nil
    }

    private static func status(of lines: [String]) throws -> Int {
        let parts = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3, let status = Int(parts[1]),
            status >= 100
        else { throw Failure("the answer is not HTTP/1: \((lines.first ?? "").prefix(60))") }
        return status
    }

    private static func framing(of lines: [String]) throws -> Framing {
        let status = try status(of: lines)
        var length: Int?
        var chunked = false
        var location = ""
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Failure("a header without a colon") }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                .reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            let text = String(value)
            switch name {
            case "content-length":
                guard text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let number = Int(text),
                    length == nil || length == number
                else { throw Failure("the answer's Content-Length is \"\(text.prefix(40))\"") }
                length = number
            case "transfer-encoding":
                guard text.lowercased() == "chunked" else { throw Failure("transfer encoding \(text.prefix(40))") }
                chunked = true
            case "content-encoding":
                guard text.lowercased() == "identity" else { throw Failure("content encoding \(text.prefix(40))") }
            case "location": location = text
            default: break
            }
        }
        guard status == 200 else {
            let mend = location.isEmpty ? "" : ": give \(location.prefix(200)) as the source"
            throw Failure(code: Int32(status), "the server answers \(status)\(mend)")
        }
        if chunked { return .chunked }
        return length.map { .length($0) } ?? .untilClose
    }

    private mutating func takeBody(_ most: Int) throws {
        let count = min(most, buffer.count - position)
        if case .length(let length) = framing, length > limit { throw tooLarge }
        if body.count + count > limit { throw tooLarge }
        body += buffer[position..<position + count]
        position += count
    }

    private mutating func takeChunks() throws -> Bool {
        while true {
            switch chunk {
            case .size:
                guard let line = try nextLine() else { return false }
                let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
                guard (1...8).contains(digits.count),
                    let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
                    size >= 0
                else { throw Failure("a chunk's size is not a hexadecimal number") }
                extensionBytes += line.count - digits.count
                if extensionBytes > Self.mostBytes { throw Failure("the chunks' extensions are larger than 64 KiB") }
                if body.count + size > limit { throw tooLarge }
                chunk = size == 0 ? .trailer : .data(size)
            case .data(let rest):
                let before = body.count
                try takeBody(rest)
                let left = rest - (body.count - before)
                if left > 0 {
                    chunk = .data(left)
                    return false
                }
                chunk = .dataEnd
            case .dataEnd:
                guard let line = try nextLine() else { return false }
                guard line.isEmpty else { throw Failure("a chunk is longer than its size") }
                chunk = .size
            case .trailer:
                guard let line = try nextLine() else { return false }
                if line.isEmpty { chunk = .done }
                trailerBytes += line.count + 2
                if trailerBytes > Self.mostBytes { throw Failure("the answer's trailers are larger than 64 KiB") }
            case .done: return true
            }
        }
    }

    private mutating func nextLine() throws -> ArraySlice<UInt8>? {
        guard let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n")) else {
            if buffer.count - position > 4096 { throw Failure("a chunk's line is longer than 4096 bytes") }
            return nil
        }
        var line = buffer[position..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        position = end + 1
        return line
    }

    private var tooLarge: Failure { Failure("the answer is larger than \(limit) bytes") }
}

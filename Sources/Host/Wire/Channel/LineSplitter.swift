/// Splits a stream of bytes into lines with bounded memory.
public struct LineSplitter: Sendable {
    /// One line, without its line break.
    public enum Line: Equatable, Sendable {
        case whole([UInt8])
        /// The first bytes of a line that exceeded the limit; the rest of the line is discarded.
        case cut([UInt8])
    }

    private var rest: [UInt8] = []
    /// Whether the rest of a line that was too long is being discarded.
    public private(set) var isSkipping = false
    /// The maximum length of a line in bytes. It may be changed at any time and applies from the next line on.
    public var limit: Int

    /// Creates a splitter into lines of at most `limit` bytes.
    public init(limit: Int) { self.limit = limit }

    /// Consumes the next bytes and calls `body` with each line that they complete.
    public mutating func take(_ bytes: [UInt8], _ body: (Line) -> Void) { take(bytes[...], body) }

    /// Does the same for a slice. The function is not generic, because generic code would not be specialised for a
    /// caller in another module, and the start of each worker passes through it.
    public mutating func take(_ bytes: ArraySlice<UInt8>, _ body: (Line) -> Void) {
        var part = bytes
        while let end = part.firstIndex(of: UInt8(ascii: "\n")) {
            let piece = part[..<end]
            part = part[part.index(after: end)...]
            if isSkipping {
                isSkipping = false
                continue
            }
            if rest.count + piece.count > limit {
                body(.cut(rest + piece.prefix(max(0, limit - rest.count))))
            } else {
                body(.whole(rest + piece))
            }
            rest.removeAll(keepingCapacity: rest.count < 65_536)
        }
        if isSkipping { return }
        if rest.count + part.count > limit {
            body(.cut(rest + part.prefix(max(0, limit - rest.count))))
            rest = []
            isSkipping = true
        } else {
            rest += part
        }
    }

    /// Ends the stream: returns a last line without a line break, if there is one.
    public mutating func finish() -> Line? {
        defer { rest = [] }
        return rest.isEmpty ? nil : .whole(rest)
    }
}

/// Cuts a stream of bytes into lines, within a bound of memory.
public struct LineSplitter: Sendable {
    /// One line without its end.
    public enum Line: Equatable, Sendable {
        case whole([UInt8])
        /// The first bytes of a line that was longer than the bound; the rest is gone.
        case cut([UInt8])
    }

    private var rest: [UInt8] = []
    private var isSkipping = false
    /// Bytes of a line; may be changed at any time, and holds from the next line on.
    public var limit: Int

    /// A splitter into lines of at most `limit` bytes.
    public init(limit: Int) { self.limit = limit }

    /// Takes the next bytes, and hands out the lines that they complete.
    public mutating func take(_ bytes: [UInt8], _ body: (Line) -> Void) { take(bytes[...], body) }

    /// The same for a part of an array. Not generic: a caller in another module would get the slow form, and a worker
    /// begins with this.
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

    /// What is left when the stream ends: a last line without its end, or nil.
    public mutating func finish() -> Line? {
        defer { rest = [] }
        return rest.isEmpty ? nil : .whole(rest)
    }
}

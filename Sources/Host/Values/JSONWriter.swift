/// A writer of JSON into bytes: fields in the order of the calls, without spaces or line breaks.
public struct JSONWriter {
    /// What was written.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Creates a writer with no content.
    public init() {}

    /// Opens an object: the outermost one, an item of a list, or with a name the value of a field.
    public mutating func open(_ name: String? = nil) {
        if let name { key(name) } else { separate() }
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    /// Closes the object that was opened last.
    public mutating func close() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// Opens a list, the outermost one or the value of a field. Its items are objects, numbers and texts.
    public mutating func openList(_ name: String? = nil) {
        if let name { key(name) } else { separate() }
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    /// Closes the list that was opened last.
    public mutating func closeList() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Writes a list, the outermost one or the value of a field: `write` writes one item for each element. It is inlined, since
    /// the compiler would not specialise it for the modules that call it.
    @inlinable @inline(__always)
    public mutating func list<Elements: Sequence>(
        _ name: String? = nil, of elements: Elements, _ write: (Elements.Element, inout JSONWriter) -> Void
    ) {
        openList(name)
        for element in elements { write(element, &self) }
        closeList()
    }

    /// Writes a list of objects in the same way: `write` writes the fields of one.
    @inlinable @inline(__always)
    public mutating func objects<Elements: Sequence>(
        _ name: String? = nil, of elements: Elements, _ write: (Elements.Element, inout JSONWriter) -> Void
    ) {
        list(name, of: elements) { element, writer in
            writer.open()
            write(element, &writer)
            writer.close()
        }
    }

    /// Writes a list of texts.
    public mutating func list(_ name: String? = nil, texts: [String]) {
        list(name, of: texts) { $1.item(text: $0) }
    }

    /// Writes a list of whole numbers.
    public mutating func list(_ name: String? = nil, numbers: [UInt64]) {
        list(name, of: numbers) { $1.item($0) }
    }

    /// Writes a whole number as an item of a list.
    public mutating func item(_ value: UInt64) {
        separate()
        digits(value)
    }

    /// Writes a text as an item of a list.
    public mutating func item(text: String) {
        separate()
        string(text, limit: .max)
    }

    /// Writes a field with a Boolean value.
    public mutating func field(_ name: String, _ value: Bool) {
        key(name)
        bytes += (value ? "true" : "false").utf8
    }

    /// Writes a field whose value is already JSON text.
    public mutating func field(_ name: String, json: [UInt8]) {
        key(name)
        bytes += json
    }

    /// Writes a text field, cut to `limit` bytes of UTF-8 before escaping.
    public mutating func field(_ name: String, _ text: String, limit: Int = .max) {
        key(name)
        string(text, limit: limit)
    }

    /// Writes a field with a whole number.
    public mutating func field(_ name: String, _ value: UInt64) {
        key(name)
        digits(value)
    }

    /// Writes a field with a whole number.
    public mutating func field(_ name: String, _ value: Int64) {
        key(name)
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        digits(value.magnitude)
    }

    /// Writes a field with a whole number. Each integer type has an overload of its own, because the compiler would not
    /// specialise a generic function for the modules that call it.
    public mutating func field(_ name: String, _ value: Int) { field(name, Int64(value)) }
    /// Writes a field with a whole number.
    public mutating func field(_ name: String, _ value: Int32) { field(name, Int64(value)) }
    /// Writes a field with a whole number.
    public mutating func field(_ name: String, _ value: UInt32) { field(name, UInt64(value)) }

    /// Writes a field with a number; NaN and infinities are written as text.
    public mutating func field(_ name: String, _ value: Double) {
        key(name)
        if value.isFinite { bytes += String(value).utf8 } else { string(String(value), limit: .max) }
    }

    private mutating func key(_ name: String) {
        separate()
        string(name, limit: .max)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func string(_ text: String, limit: Int) { JSONText.append(text, limit: limit, to: &bytes) }

    private mutating func digits(_ value: UInt64) {
        if value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }
        let first = bytes.count
        var rest = value
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        bytes[first...].reverse()
    }
}

extension String {
    /// The longest prefix of at most `limit` bytes of UTF-8 that does not split a Unicode scalar.
    public func cut(to limit: Int) -> Substring {
        guard utf8.count > limit else { return self[...] }
        var end = utf8.index(utf8.startIndex, offsetBy: max(0, limit))
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }
}

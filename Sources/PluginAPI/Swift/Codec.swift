/// How the values of a `Cache` become bytes and values again.
public struct Codec<Value>: Sendable {
    /// Names the encoding: a stored value of another one is set aside, and loaded anew. Own ones from 16.
    public let identifier: UInt32
    let encode: @Sendable (Value) throws -> [UInt8]
    let decode: @Sendable ([UInt8]) throws -> Value

    /// The author's own: change `identifier` when old bytes are no longer to be read.
    public init(
        identifier: UInt32 = 16, encode: @escaping @Sendable (Value) throws -> [UInt8],
        decode: @escaping @Sendable ([UInt8]) throws -> Value
    ) {
        self.identifier = identifier
        self.encode = encode
        self.decode = decode
    }
}

extension Codec {
    /// The same, which also reads what another codec has written: where these bytes are none of its own, `convert` makes a value of
    /// what the old codec reads. The value keeps its age. Both have one `identifier`, since the host gives no bytes of another.
    public func migrating<Old>(
        from old: Codec<Old>, _ convert: @escaping @Sendable (Old) throws -> Value
    ) -> Codec {
        Codec(identifier: identifier, encode: encode) { [decode] bytes in
            do {
                return try decode(bytes)
            } catch {
                guard let value = try? old.decode(bytes) else { throw error }
                return try convert(value)
            }
        }
    }
}

extension Codec where Value == [UInt8] {
    /// Bytes as they are.
    public static var bytes: Codec {
        Codec(identifier: 1) {
            $0
        } decode: {
            $0
        }
    }
}

extension Codec where Value == String {
    /// A text as its UTF-8.
    public static var text: Codec {
        Codec(identifier: 2) {
            Array($0.utf8)
        } decode: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure("the stored text is not UTF-8")
            }
            return text
        }
    }
}

extension Codec where Value: Codable & SendableMetatype {
    /// Bytes and texts as they are, all else as JSON.
    @usableFromInline
    static var automatic: Codec {
        if let codec = Codec<[UInt8]>.bytes as? Codec { return codec }
        if let codec = Codec<String>.text as? Codec { return codec }
        return .json
    }
}

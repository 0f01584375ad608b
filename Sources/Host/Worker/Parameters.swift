internal import CPluginAPI
internal import FoundationEssentials
internal import HostSystem

/// A routine's parameters, in the form that the ABI hands out: C strings that live as long as this object.
@safe final class Parameters: Sendable {
    private enum Value {
        case string(CText)
        case int(Int64)
        case double(Double)
        case bool(Bool)
        case other
    }

    private let values: [String: Value]
    /// All of them as one JSON object.
    let json: CText

    /// Parameters from one JSON object; what is not one counts as empty.
    init(json text: String) {
        json = CText(text)
        let decoded = try? JSONDecoder().decode([String: Scalar].self, from: Data(text.utf8))
        values = (decoded ?? [:]).mapValues { scalar in
            switch scalar {
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): .double(value)
            case .string(let value): .string(CText(value))
            case .other: .other
            }
        }
    }

    /// The text of a string parameter.
    func string(_ name: String) -> UnsafePointer<CChar>? {
        guard case .string(let text)? = values[name] else { return nil }
        return unsafe text.pointer
    }

    /// An integer; of a whole double too.
    func int(_ name: String) -> Int64? {
        switch values[name] {
        case .int(let value)?: value
        case .double(let value)?: Int64(exactly: value)
        case .string, .bool, .other, nil: nil
        }
    }

    /// A double; of an integer too.
    func double(_ name: String) -> Double? {
        switch values[name] {
        case .double(let value)?: value
        case .int(let value)?: Double(value)
        case .string, .bool, .other, nil: nil
        }
    }

    /// A boolean.
    func bool(_ name: String) -> Bool? {
        guard case .bool(let value)? = values[name] else { return nil }
        return value
    }

    private enum Scalar: Decodable {
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string(String)
        case other

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .int(value)
            } else if let value = try? container.decode(Double.self) {
                self = .double(value)
            } else if let value = try? container.decode(String.self) {
                self = .string(value)
            } else {
                self = .other
            }
        }
    }
}

/// A NUL-terminated copy of a text, at a stable address.
@safe final class CText: @unchecked Sendable {
    // @unchecked: written once, in init.
    private let storage: UnsafeMutablePointer<CChar>
    /// The first byte; valid while this object lives.
    var pointer: UnsafePointer<CChar> { unsafe UnsafePointer(storage) }

    init(_ text: String) {
        let bytes = text.utf8
        unsafe storage = .allocate(capacity: bytes.count + 1)
        var position = 0
        for byte in bytes {
            unsafe storage[position] = byte == 0 ? 0x3F : CChar(bitPattern: byte)  // a NUL would end the text
            position += 1
        }
        unsafe storage[position] = 0
    }

    deinit { unsafe storage.deallocate() }
}

/// The text of a plugin's C string; nil for NULL. Ill-formed UTF-8 is repaired.
func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
}

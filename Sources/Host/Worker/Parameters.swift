internal import CPluginAPI
internal import HostSystem
internal import HostValues

/// A routine's parameters as the ABI returns them: C strings that live as long as this object.
@safe final class Parameters: @unchecked Sendable {
    // @unchecked: nothing is written after init.
    private enum Value {
        case string(CText)
        case int(Int64)
        case double(Double)
        case bool(Bool)
        case other

        init(_ value: JSONValue) {
            switch value {
            case .string(let text): self = .string(CText(text))
            case .integer(let number): self = .int(number)
            case .double(let number): self = .double(number)
            case .bool(let flag): self = .bool(flag)
            case .null, .array, .object: self = .other
            }
        }
    }

    /// By name, in the order of the names' bytes: a search compares C strings, so that it needs no copy and no hash of the
    /// name that the plugin passes.
    private let values: [Value]
    private let names: [CText]
    /// The names' addresses, which a search needs.
    private let keys: [UnsafePointer<CChar>]
    /// All parameters as one JSON object.
    let json: CText

    /// Parses parameters from one JSON object; any other text counts as an empty object.
    init(json text: String) {
        json = CText(text)
        // No dictionary: for its first kind of key the runtime looks through all conformances, at each worker's start.
        var members: [JSONMember] = []
        if case .object(let all)? = try? JSON5Parser.parse(Array(text.utf8)).value {
            // A C string cannot name a parameter with a NUL in its name.
            members = all.filter { !$0.name.utf8.contains(0) }
            // Equal names in the order of the text, which a sort alone does not promise.
            members.sort {
                $0.name.utf8.elementsEqual($1.name.utf8)
                    ? ($0.position.line, $0.position.column) < ($1.position.line, $1.position.column)
                    : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
            }
        }
        var values: [Value] = []
        var names: [CText] = []
        for (index, member) in members.enumerated() {
            // Of several with one name the last counts.
            if index + 1 < members.count, members[index + 1].name.utf8.elementsEqual(member.name.utf8) { continue }
            values.append(Value(member.node.value))
            names.append(CText(member.name))
        }
        self.values = values
        self.names = names
        unsafe keys = names.map { unsafe $0.pointer }
    }

    /// The value of the parameter of that name.
    private func value(_ name: UnsafePointer<CChar>) -> Value? {
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            let order = unsafe compareText(keys[middle], name)
            if order == 0 { return values[middle] }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The value of a string parameter; nil if there is none of that name and type.
    func string(_ name: UnsafePointer<CChar>) -> UnsafePointer<CChar>? {
        guard case .string(let text)? = unsafe value(name) else { return nil }
        return unsafe text.pointer
    }

    /// The value of an integer parameter, or of a double without fraction.
    func int(_ name: UnsafePointer<CChar>) -> Int64? {
        switch unsafe value(name) {
        case .int(let value)?: value
        case .double(let value)?: Int64(exactly: value)
        case .string, .bool, .other, nil: nil
        }
    }

    /// The value of a double parameter, or of an integer.
    func double(_ name: UnsafePointer<CChar>) -> Double? {
        switch unsafe value(name) {
        case .double(let value)?: value
        case .int(let value)?: Double(value)
        case .string, .bool, .other, nil: nil
        }
    }

    /// The value of a boolean parameter.
    func bool(_ name: UnsafePointer<CChar>) -> Bool? {
        guard case .bool(let value)? = unsafe value(name) else { return nil }
        return value
    }
}

/// A NUL-terminated copy of a text at a stable address.
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

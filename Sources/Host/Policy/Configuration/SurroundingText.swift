internal import HostValues

/// A source outside the configuration from which a parameter may be taken.
public enum Surrounding: Equatable, Hashable, Sendable {
    /// A variable of the host's environment, with the value to use if the variable is unset or empty.
    case environment(String, fallback: String?)
    /// The content of a file.
    case file(String)
    /// A credential of that name, which the service manager has put into its credentials directory.
    case credential(String)

    /// The result of a look-up.
    public enum Answer: Equatable, Sendable {
        case text(String)
        /// There is no value; the text says why, and gives the remedy.
        case absent(String)
    }

    /// Looks up a value. The second argument is the configuration file with the reference; relative paths start at its
    /// directory.
    public typealias LookUp = (Surrounding, String) -> Answer
}

/// A text with references: `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${credential:NAME}`. `$${` stands
/// for a literal `${`. Pure.
struct SurroundingText {
    /// The parts of the text.
    enum Part: Equatable {
        case plain(String)
        case reference(Surrounding)
    }

    /// A syntax error in a text.
    struct Fault: Error, Equatable {
        let message: String
    }

    private static let forms = "${env:NAME}, ${env:NAME:-default}, ${file:PATH} and ${credential:NAME}"

    let parts: [Part]

    /// Whether a text contains references or an escaped `${`.
    static func isOne(_ text: String) -> Bool { text.utf8.contains(UInt8(ascii: "$")) && text.contains("${") }

    /// Parses a text.
    init(_ text: String) throws(Fault) {
        var parts: [Part] = []
        var plain = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            plain += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                plain += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Fault(message: "has a ${ that is not closed by }; write $${ for a plain ${")
                }
                if !plain.isEmpty { parts.append(.plain(plain)) }
                plain = ""
                parts.append(.reference(try Self.reference(rest.dropFirst(2)[..<end])))
                rest = rest[end...].dropFirst()
            } else {
                plain += "$"
                rest = rest.dropFirst()
            }
        }
        plain += rest
        if !plain.isEmpty { parts.append(.plain(plain)) }
        self.parts = parts
    }

    private static func reference(_ text: Substring) throws(Fault) -> Surrounding {
        guard let colon = text.firstIndex(of: ":") else {
            let mend = isVariable(text) ? ": write ${env:\(text)} for the variable" : ""
            throw unknown(text, mend)
        }
        let name = text[text.index(after: colon)...]
        switch text[..<colon] {
        case "env":
            guard let dash = name.firstRange(of: ":-") else {
                return .environment(try variable(name, in: text), fallback: nil)
            }
            return .environment(
                try variable(name[..<dash.lowerBound], in: text), fallback: String(name[dash.upperBound...]))
        case "file":
            if name.isEmpty { throw Fault(message: "${file:} names no file") }
            return .file(String(name))
        case "credential":
            if name.isEmpty || name.contains("/") || name == "." || name == ".." {
                throw Fault(message: "\(quoted(text)) names no credential: it is a name without a slash")
            }
            return .credential(String(name))
        default:
            let near = Spelling.nearest(to: String(text[..<colon]), in: ["env", "file", "credential"])
            throw unknown(text, near.map { ": did you mean ${\($0):…}?" } ?? "")
        }
    }

    private static func unknown(_ text: Substring, _ mend: String) -> Fault {
        Fault(message: "\(quoted(text)) is none of \(forms)\(mend); write $${ for a plain ${")
    }

    private static func quoted(_ text: Substring) -> String { Spelling.quoted("${\(text)}") }

    private static func isVariable(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func variable(_ name: Substring, in text: Substring) throws(Fault) -> String {
        if isVariable(name) { return String(name) }
        throw Fault(message: "\(quoted(text)) names no variable: it has letters, digits and _, and no digit first")
    }
}

extension JSONValue {
    /// Whether a text within the value contains references. The parser bounds the recursion.
    var hasReferences: Bool {
        switch self {
        case .null, .bool, .integer, .double: false
        case .string(let text): SurroundingText.isOne(text)
        case .array(let nodes): nodes.contains { $0.value.hasReferences }
        case .object(let members): members.contains { $0.node.value.hasReferences }
        }
    }
}

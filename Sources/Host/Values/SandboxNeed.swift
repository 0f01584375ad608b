/// One permission that a plugin needs of its sandbox, named by the keys of `sandbox {}`: `write=/srv/out`, `bind=9100`,
/// `udp`.
public struct SandboxNeed: Hashable, Sendable, CustomStringConvertible {
    /// The setting that would grant the permission.
    public enum Kind: String, CaseIterable, Sendable {
        case read, write, execute, connect, bind, udp, unix, syscalls, environment
    }

    /// The setting.
    public let kind: Kind
    /// The path, port or name; empty for `udp`.
    public let value: String

    /// Creates a need.
    public init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }

    /// Parses a need of a descriptor; nil if the text is not valid.
    public init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = parts.first.flatMap({ Kind(rawValue: String($0)) }) else { return nil }
        let value = parts.count == 2 ? String(parts[1]) : ""
        let isGood =
            switch kind {
            case .read, .write, .execute, .unix:
                value.hasPrefix("/") && value.utf8.count < 4096 && !value.split(separator: "/").contains("..")
                    && !value.unicodeScalars.contains { $0.properties.generalCategory == .control }
            case .connect, .bind: UInt16(value) != nil
            case .udp: parts.count == 1
            case .syscalls, .environment:
                (1...64).contains(value.utf8.count)
                    && value.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                            true
                        default: false
                        }
                    }
            }
        guard isGood else { return nil }
        self.init(kind, value)
    }

    /// The text form, as in a descriptor.
    public var description: String { kind == .udp ? kind.rawValue : "\(kind.rawValue)=\(value)" }
}

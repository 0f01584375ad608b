/// Identifies the processes that belong to one host's workers: an environment variable that their descendants inherit.
/// Each host has a different mark, so that a host can find the processes that its predecessor's workers left.
public struct HostMark: Hashable, Sendable {
    /// The name of the variable.
    public static let variable = "SCHEDHOST_WORKER_OF"
    private static let longest = 40

    /// The value of the variable: letters, digits and hyphens.
    public let text: String

    /// Creates the mark of a host. A process id may be reused by a later host, so the mark has a further number.
    public init(pid: Int32, number: UInt64) { text = "\(pid)-" + String(number, radix: 36) }

    /// Parses a mark; nil if the text is not valid.
    public init?(_ text: some StringProtocol) {
        let isMark = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isMark, !text.isEmpty, text.utf8.count <= Self.longest else { return nil }
        self.text = String(text)
    }

    /// The entry for an environment.
    public var entry: String { "\(Self.variable)=\(text)" }

    /// The mark in an environment in the format of /proc/PID/environ, where each entry ends with a zero byte; nil if
    /// there is none.
    public static func mark(in environment: [UInt8]) -> HostMark? {
        let prefix = Array("\(variable)=".utf8)
        for entry in environment.split(separator: 0) where entry.starts(with: prefix) {
            return HostMark(String(decoding: entry.dropFirst(prefix.count), as: UTF8.self))
        }
        return nil
    }
}

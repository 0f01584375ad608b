/// What tells the processes of one host's workers from all others: a variable of their environment, which what they start
/// inherits. No two hosts have the same, so that a host can find what its predecessor's workers have left.
public struct HostMark: Hashable, Sendable {
    /// The variable's name.
    public static let variable = "SCHEDHOST_WORKER_OF"
    private static let longest = 40

    /// The variable's value: letters, digits and dashes.
    public let text: String

    /// The mark of the host with that process id, which may have been another one's: hence a number of its own too.
    public init(pid: Int32, number: UInt64) { text = "\(pid)-" + String(number, radix: 36) }

    /// A mark that was written down; nil for what is none.
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

    /// The entry of an environment.
    public var entry: String { "\(Self.variable)=\(text)" }

    /// The mark in an environment, as /proc/PID/environ has it: entries that are each ended by a zero.
    public static func mark(in environment: [UInt8]) -> HostMark? {
        let prefix = Array("\(variable)=".utf8)
        for entry in environment.split(separator: 0) where entry.starts(with: prefix) {
            return HostMark(String(decoding: entry.dropFirst(prefix.count), as: UTF8.self))
        }
        return nil
    }
}

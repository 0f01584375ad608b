/// The folder that an author names for a cache's files: from the root on, or within the plugin's data folder.
public struct CachePath: Hashable, Sendable {
    /// Whether it is from the root on.
    public let isAbsolute: Bool
    /// The names of its folders, at least one, and none that leads upwards.
    public let parts: [String]

    /// The longest path in bytes.
    public static let longest = 4095

    /// Takes a text; nil unless it names a folder below the root or the data folder: see `fault`.
    public init?(_ text: String) {
        if Self.fault(of: text) != nil { return nil }
        isAbsolute = text.hasPrefix("/")
        parts = Self.parts(of: text)
    }

    /// Why a text names no such folder; nil if it does.
    public static func fault(of text: String) -> String? {
        let parts = parts(of: text)
        if text.utf8.count > longest { return "it has more than \(longest) bytes" }
        if parts.isEmpty { return "it names no folder in the one that it begins at" }
        if parts.contains("..") { return "it leads upwards" }
        if parts.contains(where: { $0.utf8.count > 255 }) { return "a name in it has more than 255 bytes" }
        if text.utf8.contains(0) { return "there is a NUL in it" }
        return nil
    }

    private static func parts(of text: String) -> [String] {
        text.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    /// The text, without what means nothing.
    public var text: String { (isAbsolute ? "/" : "") + parts.joined(separator: "/") }

    /// Paths are compared by bytes: texts that are equivalent in Unicode are different folders.
    public static func == (one: Self, other: Self) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

    /// See `==`.
    public func hash(into hasher: inout Hasher) { hasher.combine(Array(text.utf8)) }
}

/// The folder that an author names for a cache's files: from the root on, or within the plugin's data folder.
public struct CachePath: Hashable, Sendable {
    /// Whether it is from the root on.
    public let isAbsolute: Bool
    /// The names of its folders, at least one, and none that leads upwards.
    public let parts: [String]

    /// The longest path in bytes.
    public static let longest = 4095

    /// Takes a text; nil unless it names a folder below the root or the data folder.
    public init?(_ text: String) {
        let parts = text.split(separator: "/").map(String.init).filter { $0 != "." }
        let isWhole = parts.allSatisfy { $0 != ".." && $0.utf8.count <= 255 && !$0.utf8.contains(0) }
        guard !parts.isEmpty, isWhole, text.utf8.count <= Self.longest else { return nil }
        isAbsolute = text.hasPrefix("/")
        self.parts = parts
    }

    /// The text, without what means nothing.
    public var text: String { (isAbsolute ? "/" : "") + parts.joined(separator: "/") }
}

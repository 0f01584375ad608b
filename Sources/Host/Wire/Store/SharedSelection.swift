internal import HostValues

/// Which values of shared caches are meant, by their keys in the store.
public struct SharedSelection: Equatable, Sendable {
    /// How the names of the values begin, behind what the keys of all values begin with: `plugin/routine/name/`, encoded.
    public var starts: [String]
    /// The key, encoded; empty: the value without one. nil: all.
    public var key: String?

    /// A selection.
    public init(starts: [String], key: String? = nil) {
        self.starts = starts
        self.key = key
    }

    /// Whether a name is meant.
    public func contains(_ name: String) -> Bool {
        guard let start = starts.first(where: { name.hasPrefix($0) }) else { return false }
        guard let key else { return true }
        // What follows is the kind and the encoding of the value, and then the key, if it has one.
        let parts = name.dropFirst(start.count).split(separator: "/", omittingEmptySubsequences: false)
        return key.isEmpty ? parts.count == 1 : parts.count == 2 && parts[1] == key
    }

    func write(to writer: inout JSONWriter) {
        writer.list("starts", texts: starts)
        writer.field("key", ifAny: key)
    }
}

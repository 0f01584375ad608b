// Public, so that a plugin built by a plain `swiftc -lPluginAPI` finds the library among those to link.
public import FoundationEssentials

extension Codec where Value: Codable & SendableMetatype {
    /// JSON, by FoundationEssentials.
    @inlinable
    public static var json: Codec {
        Codec(identifier: 3) {
            Array(try JSONEncoder().encode($0))
        } decode: {
            try JSONDecoder().decode(Value.self, from: Data($0))
        }
    }
}

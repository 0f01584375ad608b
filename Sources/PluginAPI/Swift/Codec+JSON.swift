// Public, so that a plugin built by a plain `swiftc -lPluginAPI` finds the library among those to link.
public import FoundationEssentials

extension Codec {
    /// The same, which also reads values of an earlier type that were stored as JSON:
    ///
    ///     let rates = Cache(
    ///         "rates", expire: .seconds(600),
    ///         codec: .json.migrating(from: OldRates.self) { Rates(euro: $0.euro, bank: "unknown") }
    ///     ) { try download() }
    @inlinable
    public func migrating<Old: Codable & SendableMetatype>(
        from old: Old.Type, _ convert: @escaping @Sendable (Old) throws -> Value
    ) -> Codec {
        migrating(from: Codec<Old>.json, convert)
    }
}

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

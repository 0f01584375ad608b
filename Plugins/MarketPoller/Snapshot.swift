internal import FoundationEssentials
internal import PluginAPI

/// Prices at one moment, as the source's JSON has them.
struct Snapshot: Decodable, Sendable, CustomStringConvertible {
    struct Price: Decodable, Sendable {
        let symbol: String
        let price: Double
    }

    /// When it was taken, as the source writes it.
    let taken: String
    let prices: [Price]

    /// Reads and validates JSON.
    static func parse(_ json: [UInt8]) throws -> Snapshot {
        let snapshot: Snapshot
        do {
            snapshot = try JSONDecoder().decode(Snapshot.self, from: Data(json))
        } catch let error as DecodingError {
            throw Failure("the snapshot is not of the expected form: \(reason(of: error))")
        }
        try snapshot.validate()
        return snapshot
    }

    private func validate() throws {
        if prices.isEmpty { throw Failure("the snapshot has no prices") }
        if prices.count > 10_000 { throw Failure("the snapshot has \(prices.count) prices; at most 10 000 are taken") }
        var seen: Set<String> = []
        for price in prices {
            if price.symbol.isEmpty || price.symbol.utf8.count > 32 {
                throw Failure("the symbol \"\(price.symbol.prefix(40))\" is not 1 to 32 bytes long")
            }
            if !price.price.isFinite || price.price <= 0 {
                throw Failure("the price of \(price.symbol) is \(price.price): not a positive number")
            }
            if !seen.insert(price.symbol).inserted { throw Failure("\(price.symbol) is there twice") }
        }
    }

    /// The price of a symbol, or the first one.
    func price(of symbol: String) -> Price? {
        symbol.isEmpty ? prices.first : prices.first { $0.symbol == symbol }
    }

    /// The first prices, and how many there are.
    var description: String {
        let shown = prices.prefix(3).map { "\($0.symbol)=\($0.price)" }.joined(separator: ",")
        return prices.count > 3 ? "\(shown),+\(prices.count - 3)" : shown
    }

    private static func reason(of error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
            .dataCorrupted(let found):
            context = found
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}

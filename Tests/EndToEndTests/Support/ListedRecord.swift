import FoundationEssentials

/// A record in the JSON of `records --format json`, as another program reads it: by the toolchain's decoder, with the names
/// that the documents have.
struct ListedRecord: Decodable {
    struct Reason: Decodable {
        let kind: String
        let text: String
    }

    let session: String
    let plugin: String
    let routine: String
    let reason: Reason

    var identifier: String { "\(plugin)/\(routine)" }

    /// The records of a JSON list.
    static func list(_ text: String) throws -> [ListedRecord] {
        try JSONDecoder().decode([ListedRecord].self, from: Data(text.utf8))
    }
}

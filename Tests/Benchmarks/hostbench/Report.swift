import Foundation

/// What a row must keep to: `limit`, ratio to the limit; `peer`, ratio to the best peer; `peers`, ratios to peers by name,
/// whichever is best; `value`, the figure itself.
struct Threshold: Decodable {
    var limit: Double?
    var peer: Double?
    var peers: [String: Double]?
    var value: Double?

    /// By name, so that the order is always the same.
    private var named: [(name: String, most: Double)] {
        (peers ?? [:]).map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    var text: String {
        var parts: [String] = []
        if let limit { parts.append("\(figure(limit)) x limit") }
        if let peer { parts.append("\(figure(peer)) x peer") }
        parts += named.map { "\(figure($0.most)) x \($0.name)" }
        if let value { parts.append("\(figure(value))") }
        return parts.isEmpty ? "" : "<= " + parts.joined(separator: ", ")
    }

    /// Why the result is behind; empty when it holds; nil when it could not be judged.
    func complaints(_ result: Result) -> [String]? {
        var complaints: [String] = []
        guard let ours = result.summary(.ours) else { return nil }
        if let limit {
            guard let ratio = result.ratio(to: .limit), ratio.isFinite else { return nil }
            if ratio > limit { complaints.append("\(figure(ratio)) x limit") }
        }
        if let peer, let best = result.peers.first, best.ratio > peer {
            complaints.append("\(figure(best.ratio)) x \(best.name)")
        }
        for (name, most) in named {
            // Without it there is nothing to be ahead of, so that the row does not hold either.
            guard let known = result.peers.first(where: { $0.name == name }), known.ratio.isFinite else { return nil }
            if known.ratio > most { complaints.append("\(figure(known.ratio)) x \(name)") }
        }
        if let value, ours[result.row.column] > value { complaints.append("\(figure(ours[result.row.column]))") }
        return complaints
    }
}

/// A number with three digits that count.
func figure(_ value: Double) -> String {
    if !value.isFinite { return "-" }
    let size = abs(value)
    if size == 0 { return "0" }
    if size >= 100 { return String(format: "%.0f", value) }
    if size >= 10 { return String(format: "%.1f", value) }
    return String(format: size >= 1 ? "%.2f" : "%.3f", value)
}

/// The table, and what it says.
struct Report {
    let thresholds: [String: Threshold]

    private static let heads = [
        "benchmark", "unit", "p50", "p90", "p99", "max", "limit", "ratio", "peers", "ratio", "must be", "verdict",
    ]

    private func cells(_ result: Result) -> [String] {
        guard let ours = result.summary(.ours) else { return [] }
        let row = result.row
        let threshold = thresholds[row.key]
        let limit = result.summary(.limit)
        // The best one, and those that the row is held to.
        let peers = result.peers.enumerated().filter { place, peer in
            place == 0 || threshold?.peers?[peer.name] != nil
        }.map(\.element)
        return [
            row.key, row.unit, figure(ours.p50), figure(ours.p90), figure(ours.p99), figure(ours.max),
            limit.map { figure($0[row.column]) + (row.limitName == "limit" ? "" : " (\(row.limitName))") } ?? "",
            limit == nil ? "" : result.ratio(to: .limit).map(figure) ?? "",
            peers.map { figure($0.sample[row.column]) + " " + $0.name }.joined(separator: ", "),
            peers.map { figure($0.ratio) }.joined(separator: ", "),
            threshold.map { $0.text + (row.column == .p50 ? "" : " (\(row.column))") } ?? "", verdict(result),
        ]
    }

    private func verdict(_ result: Result) -> String {
        guard let threshold = thresholds[result.row.key] else { return "" }
        guard let complaints = threshold.complaints(result) else { return "not judged" }
        return complaints.isEmpty ? "holds" : "BEHIND: " + complaints.joined(separator: ", ")
    }

    func table(_ results: [Result]) -> String {
        let lines = [Self.heads] + results.map(cells).filter { !$0.isEmpty }
        let widths = Self.heads.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let padded = line.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return (2...5).contains(column) || column == 7 || column == 9 ? space + text : text + space
            }
            return padded.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// All that was measured, for programs.
    func json(_ results: [Result], about: [String: Any]) throws -> Data {
        let rows = results.map { result -> [String: Any] in
            var row: [String: Any] = [
                "name": result.row.key, "unit": result.row.unit, "compared": result.row.column.rawValue,
                "verdict": verdict(result),
            ]
            for contender in result.samples.keys {
                guard let sample = result.summary(contender) else { continue }
                var figures: [String: Any] = [
                    "p50": sample.p50, "p90": sample.p90, "p99": sample.p99, "max": sample.max,
                    "rounds": result.samples[contender]?.count ?? 0,
                ]
                if contender != .ours, let ratio = result.ratio(to: contender), ratio.isFinite {
                    figures["ratio"] = ratio
                }
                row[contender.name] = figures
            }
            return row
        }
        return try JSONSerialization.data(
            withJSONObject: about.merging(["rows": rows]) { $1 }, options: [.prettyPrinted, .sortedKeys])
    }

    /// The rows that are behind or could not be judged, and when all was run the thresholds that no row has.
    func behind(_ results: [Result], isAll: Bool) -> [String] {
        let rows = results.map { ($0.row.key, verdict($0)) }
        let unknown = thresholds.keys.filter { key in isAll && !rows.contains { $0.0 == key } }.sorted()
        return rows.filter { !["", "holds"].contains($0.1) }.map { "\($0.0): \($0.1)" }
            + unknown.map { "\($0): there is no such row" }
    }
}

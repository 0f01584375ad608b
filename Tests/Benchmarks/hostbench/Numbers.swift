import Foundation

/// What one round of one contender gave: the percentiles of its own samples, or one figure four times.
struct Sample {
    var p50, p90, p99, max: Double

    init(_ figure: Double) { (p50, p90, p99, max) = (figure, figure, figure, figure) }

    init(p50: Double, p90: Double, p99: Double, max: Double) {
        (self.p50, self.p90, self.p99, self.max) = (p50, p90, p99, max)
    }

    /// The percentiles of many figures; zeros when there are none.
    init(of figures: [Double]) {
        let sorted = figures.sorted()
        func at(_ part: Double) -> Double {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
        }
        self.init(p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.last ?? 0)
    }

    /// What a limit program or a peer printed: `p50=… p90=… p99=… max=…`, or one figure of that name.
    init(_ output: [String: Double], _ name: String? = nil) throws {
        if let name {
            guard let figure = output[name] else { throw Trouble("no \(name) in the output") }
            self.init(figure)
        } else {
            guard let p50 = output["p50"], let p90 = output["p90"], let p99 = output["p99"], let max = output["max"]
            else { throw Trouble("no percentiles in the output") }
            self.init(p50: p50, p90: p90, p99: p99, max: max)
        }
    }

    subscript(_ column: Column) -> Double {
        switch column {
        case .p50: p50
        case .p90: p90
        case .p99: p99
        case .max: max
        }
    }

    func map(_ body: (Double) -> Double) -> Sample {
        Sample(p50: body(p50), p90: body(p90), p99: body(p99), max: body(max))
    }
}

/// A column of the table.
enum Column: String { case p50, p90, p99, max }

/// Why a benchmark, or one contender of it, came to nothing.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ text: String) { description = text }
}

func median(_ figures: [Double]) -> Double {
    let sorted = figures.sorted()
    if sorted.isEmpty { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// Who is measured.
enum Contender: Hashable {
    case ours, limit
    case peer(String)

    /// A Swift program with a task a routine, `peers/tasks.swift`. Compiled here, so that it is there without the others too.
    static let tasks = Contender.peer("Swift tasks")

    var name: String {
        switch self {
        case .ours: "schedhost"
        case .limit: "limit"
        case .peer(let name): name
        }
    }
}

/// One line of the table: what is measured, and how it is judged.
struct Row {
    let key: String
    let unit: String
    /// The column that is compared.
    let column: Column
    /// What stands in the place of the limit.
    let limitName: String

    init(_ key: String, _ unit: String, by column: Column = .p50, limit: String = "limit") {
        (self.key, self.unit, self.column, limitName) = (key, unit, column, limit)
    }
}

/// Rows that are measured together, and the contenders, each measured once a round.
struct Benchmark {
    typealias Run = () throws -> [String: Sample]

    let name: String
    let rows: [Row]
    /// How many of the wished rounds it gets, at most: long ones get fewer.
    let mostRounds: Int
    var contenders: [(Contender, Run)]
}

/// The samples of one row.
struct Result {
    let row: Row
    var samples: [Contender: [Sample]] = [:]

    /// Over all rounds: the median of each column, and the greatest maximum. One figure a round gives the percentiles
    /// of the rounds.
    func summary(_ contender: Contender) -> Sample? {
        guard let samples = samples[contender], !samples.isEmpty else { return nil }
        if samples.allSatisfy({ $0.p50 == $0.max }) {
            return Sample(of: samples.map(\.p50)).with(p50: median(samples.map(\.p50)))
        }
        return Sample(
            p50: median(samples.map(\.p50)), p90: median(samples.map(\.p90)), p99: median(samples.map(\.p99)),
            max: samples.map(\.max).max() ?? 0)
    }

    /// Ours by theirs: the median over the rounds, each with its own pair.
    func ratio(to contender: Contender) -> Double? {
        guard let ours = samples[.ours], let theirs = samples[contender], !ours.isEmpty, !theirs.isEmpty else {
            return nil
        }
        let pairs = zip(ours, theirs).map { ours, theirs in ours[row.column] / theirs[row.column] }
        return median(pairs.filter(\.isFinite))
    }

    /// The peers that were measured, the best one first.
    var peers: [(name: String, sample: Sample, ratio: Double)] {
        samples.keys.compactMap { contender in
            guard case .peer(let name) = contender, let sample = summary(contender), let ratio = ratio(to: contender)
            else { return nil }
            return (name, sample, ratio)
        }.sorted { ($0.sample[row.column], $0.name) < ($1.sample[row.column], $1.name) }
    }
}

extension Sample {
    func with(p50: Double) -> Sample { Sample(p50: p50, p90: p90, p99: p99, max: max) }
}

internal import FoundationEssentials

/// What the engine is asked for.
struct SimulationOrder: Encodable {
    let routines: [String]
    let parameters: [String]
    let cycles: UInt64?
    let seed: UInt64
    let configuration: String?
    let from_ms: Int64
    let length_ms: Int64
    let until_failure: Bool
    let level: Int32
    let state: String?

    /// A simulation for so long.
    init(_ simulation: Simulation, _ length: Duration) throws(SimulationError) {
        guard let start = try? Date(simulation.start, strategy: .iso8601) else {
            throw SimulationError(
                "the start \"\(simulation.start)\" is no time: write it as \"2026-10-24T00:00:00Z\"")
        }
        routines = simulation.routines
        parameters = simulation.parameters.map { "\($0.key)=\($0.value)" }.sorted()
        cycles = simulation.maxCycles
        seed = simulation.seed
        configuration = simulation.configuration
        from_ms = Int64((start.timeIntervalSince1970 * 1000).rounded())
        let (seconds, attoseconds) = length.components
        let (ms, isLong) = seconds.multipliedReportingOverflow(by: 1000)
        length_ms = isLong ? .max : ms.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).partialValue
        until_failure = simulation.endsWithFailure
        level = simulation.logLevel.rawValue
        state = simulation.state
    }

    /// As the engine reads it.
    var json: String { (try? String(decoding: JSONEncoder().encode(self), as: UTF8.self)) ?? "{}" }
}

/// The decoded values of one disk cache, each with the generation of its bytes. On any thread.
final class DecodedValues: Sendable {
    private struct Kept {
        let generation: UInt64
        let box: ValueBox
    }

    private struct State {
        var unkeyed: Kept?
        var keyed: [Bytewise: Kept] = [:]
    }

    private let state = Guarded(State())

    /// How many values of keys are kept; past that all are dropped, and decoded again on demand.
    private static let limit = 256

    func find(_ generation: UInt64, _ key: String) -> ValueBox? {
        let kept = state.withLock { key.isEmpty ? $0.unkeyed : $0.keyed[Bytewise(key)] }
        return kept?.generation == generation ? kept?.box : nil
    }

    func keep(_ box: ValueBox, _ generation: UInt64, _ key: String) {
        let new = Kept(generation: generation, box: box)
        state.withLock { state in
            if key.isEmpty {
                state.unkeyed = new
            } else {
                if state.keyed.count >= Self.limit { state.keyed.removeAll(keepingCapacity: true) }
                state.keyed[Bytewise(key)] = new
            }
        }
    }

    func drop(_ key: String) {
        state.withLock { state in
            if key.isEmpty { state.unkeyed = nil } else { state.keyed[Bytewise(key)] = nil }
        }
    }
}

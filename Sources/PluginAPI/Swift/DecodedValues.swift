/// The decoded values of one disk cache, each with the generation of its bytes. On any thread.
///
/// They are memory that no bound of the host's counts. So it is the unkeyed value and as many of keys as `room` has; a larger
/// one is kept alone, so that a key which is asked for again and again is decoded once, whatever its size.
final class DecodedValues: Sendable {
    private struct Kept {
        let generation: UInt64
        let box: ValueBox
        /// How many bytes it was as the host has it.
        let size: Int
        /// When it was used last, as a count of uses.
        var used: UInt64
    }

    private struct State {
        var unkeyed: Kept?
        var keyed: [Bytewise: Kept] = [:]
        var size = 0
        var uses: UInt64 = 0

        mutating func drop(_ key: Bytewise) {
            if let old = keyed.removeValue(forKey: key) { size -= old.size }
        }

        /// Lets go what was used least recently, until there is room, but not the value of that key.
        mutating func makeRoom(for key: Bytewise) {
            while keyed.count > DecodedValues.limit || (size > DecodedValues.room && keyed.count > 1) {
                guard let oldest = keyed.filter({ $0.key != key }).min(by: { $0.value.used < $1.value.used }) else {
                    return
                }
                drop(oldest.key)
            }
        }
    }

    private let state = Guarded(State())

    /// How many values of keys are kept.
    private static let limit = 256
    /// How many bytes they are together, as the host has them.
    private static let room = 1 << 20

    func find(_ generation: UInt64, _ key: String) -> ValueBox? {
        state.withLock { state in
            if key.isEmpty { return state.unkeyed?.generation == generation ? state.unkeyed?.box : nil }
            guard let place = state.keyed.index(forKey: Bytewise(key)),
                state.keyed.values[place].generation == generation
            else { return nil }
            state.uses += 1
            state.keyed.values[place].used = state.uses
            return state.keyed.values[place].box
        }
    }

    /// Keeps the value of these bytes, of which there are `size`.
    func keep(_ box: ValueBox, _ generation: UInt64, _ key: String, size: Int) {
        state.withLock { state in
            state.uses += 1
            let new = Kept(generation: generation, box: box, size: size, used: state.uses)
            if key.isEmpty {
                state.unkeyed = new
            } else {
                let key = Bytewise(key)
                state.drop(key)
                state.keyed[key] = new
                state.size += size
                state.makeRoom(for: key)
            }
        }
    }

    func drop(_ key: String) {
        state.withLock { state in
            if key.isEmpty { state.unkeyed = nil } else { state.drop(Bytewise(key)) }
        }
    }
}

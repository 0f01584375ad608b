/// Which files of a cache have an older value than this process knows, because a save or a removal has failed. Such a file is
/// not read: its value may be one that was dropped, or replaced.
struct OutdatedFiles {
    private var generations: [[UInt8]: UInt64] = [:]
    /// Up to which generation all files count as outdated, since there were too many to know each.
    private var all: UInt64 = 0

    /// How many keys are known apart.
    static let limit = 4096

    /// Notes that the file of a key is outdated if its generation is at most that.
    mutating func add(_ key: [UInt8], upTo generation: UInt64) {
        if generations.count >= Self.limit, generations[key] == nil {
            all = generations.values.reduce(all, max)
            generations = [:]
        }
        generations[key] = max(generations[key] ?? 0, generation)
    }

    /// Notes that the file of a key was replaced or removed.
    mutating func remove(_ key: [UInt8]) {
        if !generations.isEmpty { generations[key] = nil }
    }

    /// Whether the file of a key is outdated, if it has that generation.
    func has(_ key: [UInt8], _ generation: UInt64) -> Bool {
        if all > 0, generation <= all { return true }
        guard !generations.isEmpty, let last = generations[key] else { return false }
        return generation <= last
    }
}

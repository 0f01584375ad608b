/// Selects what to keep when the items of several owners do not all fit: the newest of each owner, so that no owner
/// loses items while another one has more. Pure.
enum FairCut {
    /// Returns the indices of the items to keep, whose total size is at most `most`. `items` are in order, oldest
    /// first. The newest item is kept in any case.
    static func kept(_ items: [(owner: String, size: Int)], most: Int) -> [Int] {
        var totals: [String: Int] = [:]
        for item in items { totals[item.owner, default: 0] += item.size }
        let share = level(totals.values.sorted(), most: most)
        var used: [String: Int] = [:]
        var isFull: Set<String> = []
        var kept: [Int] = []
        for index in items.indices.reversed() {
            let (owner, size) = items[index]
            guard !isFull.contains(owner) else { continue }
            if used[owner, default: 0] + size <= share || kept.isEmpty {
                used[owner, default: 0] += size
                kept.append(index)
            } else {
                isFull.insert(owner)  // the owner's older items are dropped as well
            }
        }
        return kept.reversed()
    }

    /// The largest limit per owner at which all owners together take at most `most`.
    private static func level(_ totals: [Int], most: Int) -> Int {
        var rest = most
        for (index, total) in totals.enumerated() {
            let share = rest / (totals.count - index)
            if total > share { return share }
            rest -= total
        }
        return most
    }
}

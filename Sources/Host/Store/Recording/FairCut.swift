/// Which of many things of several owners are kept when there is not room for all: of each owner the newest, and none
/// has to give way while another one has more. Pure.
enum FairCut {
    /// Of items in their order, the oldest first, each with an owner and a size: the indices of those that are kept, whose
    /// sizes together are at most `most`. The newest is kept in any case.
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
                isFull.insert(owner)  // what is older than the first that does not fit goes too
            }
        }
        return kept.reversed()
    }

    /// The greatest share with which all together need no more than `most`, when each takes what it has or its share.
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

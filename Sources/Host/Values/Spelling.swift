/// Finds the intended word for a mistyped one.
public enum Spelling {
    /// The word nearest to a mistyped one, or nil if none is near. Ignores case, `-` and `_`.
    public static func nearest(to word: String, in words: some Sequence<String>) -> String? {
        let given = plain(word)
        guard given.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in words {
            let other = plain(candidate)
            guard other.count <= 64 else { continue }
            // A prefix of more than two characters counts as one mistake: `wait` stands for `wait_ms`.
            let distance = given.count > 2 && other.starts(with: given) ? 1 : distance(given, other)
            if distance <= max(1, min(given.count, other.count) / 3), distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.word
    }

    private static func plain(_ word: String) -> [Character] {
        word.lowercased().filter { $0 != "_" && $0 != "-" }.map { $0 }
    }

    /// The number of insertions, removals, replacements and swaps of neighbours that turn one word into the other.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
                row.append(least)
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}

internal import HostValues

/// What keeps a store that answers from being of use.
public enum StoreTrouble: Equatable, Sendable {
    /// It will not write that key, and says why.
    case refuses(key: String, String)
    /// There are more keys that begin so than an answer can bring back.
    case tooMuch(String)
}

/// What the store has refused to write, and until when that is left alone: one value that it does not take holds up
/// nothing else. Pure.
struct StoreRefusals: Sendable {
    private var bars: [String: (until: BootTime, text: String)] = [:]

    /// It has refused that key. Whether that is news.
    mutating func add(_ key: String, _ text: String, at now: BootTime, until: BootTime) -> Bool {
        let isNews = bars[key].map { $0.text != text } ?? true
        // What was refused once and never again is forgotten after a while.
        bars = bars.filter { $0.value.until + (until - now) > now }
        bars[key] = (until, text)
        return isNews
    }

    /// It has taken something: nothing is left alone any more for what it said of that key.
    mutating func remove(_ keys: some Sequence<String>) {
        if bars.isEmpty { return }
        for key in keys { bars[key] = nil }
    }

    /// Until when that key is left alone; nil: it is not.
    func bar(of key: String, at now: BootTime) -> BootTime? {
        bars.isEmpty ? nil : bars[key].flatMap { $0.until > now ? $0.until : nil }
    }

    /// What it said of that key; nil: it takes it.
    func text(of key: String) -> String? { bars[key]?.text }
}

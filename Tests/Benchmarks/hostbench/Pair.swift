/// A run that measures two contenders at once: whoever comes first in a round starts it.
final class Pair<Result> {
    private let run: () throws -> (limit: Result, ours: Result)
    private var left: (limit: Result?, ours: Result?)

    init(_ run: @escaping () throws -> (limit: Result, ours: Result)) { self.run = run }

    func limit() throws -> Result {
        if let sample = left.limit.take() { return sample }
        let both = try run()
        left = (nil, both.ours)
        return both.limit
    }

    func ours() throws -> Result {
        if let sample = left.ours.take() { return sample }
        let both = try run()
        left = (both.limit, nil)
        return both.ours
    }
}

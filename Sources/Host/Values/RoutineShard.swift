/// One of the parts into which a routine's work is divided, each of which runs on one host at a time.
public struct RoutineShard: Hashable, Sendable {
    /// Which part, from 0.
    public let index: Int
    /// How many there are.
    public let count: Int

    /// The part with that number of so many.
    public init(_ index: Int, of count: Int) {
        self.index = index
        self.count = count
    }

    /// What people and records call the routine's part: `crawl#3`. No name of a routine has a `#`.
    public func name(of routine: String) -> String { "\(routine)#\(index)" }

    /// The routine and the part that such a name means; the part is nil where it is a whole routine's name.
    public static func split(_ name: String) -> (routine: String, index: Int?) {
        guard let mark = name.lastIndex(of: "#"), let index = Int(name[name.index(after: mark)...]), index >= 0 else {
            return (name, nil)
        }
        return (String(name[..<mark]), index)
    }
}

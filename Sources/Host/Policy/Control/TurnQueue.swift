/// A fair queue of those who wait for a turn. Newcomers and those who have had a turn before wait in two lines, which
/// are served alternately.
///
/// So a client that asks once does not wait behind a crowd that asks without end. Pure.
public struct TurnQueue<Element> {
    private struct Line {
        var elements: [Element] = []
        var start = 0

        mutating func next() -> Element? {
            guard start < elements.count else { return nil }
            let element = elements[start]
            start += 1
            if start == elements.count {
                elements.removeAll(keepingCapacity: true)
                start = 0
            } else if start >= 256 {
                elements.removeFirst(start)
                start = 0
            }
            return element
        }
    }

    private var newcomers = Line()
    private var others = Line()
    private var servesNewcomers = false

    /// Creates an empty queue.
    public init() {}

    /// Whether nobody waits.
    public var isEmpty: Bool { newcomers.elements.isEmpty && others.elements.isEmpty }

    /// Adds an element at the end of its line.
    public mutating func append(_ element: Element, isNewcomer: Bool) {
        if isNewcomer { newcomers.elements.append(element) } else { others.elements.append(element) }
    }

    /// Removes and returns the next element; nil if nobody waits.
    public mutating func next() -> Element? {
        servesNewcomers.toggle()
        if servesNewcomers { return newcomers.next() ?? others.next() }
        return others.next() ?? newcomers.next()
    }
}

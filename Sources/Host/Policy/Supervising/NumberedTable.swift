/// Values by small numbers, where a dictionary would take two or three times their memory: a host may have 100 000 routines.
///
/// The numbers may begin anywhere and grow for as long as the host runs: those that lie together share a page, and a page
/// goes with its last value. It is inlinable, so that the module that uses it gets a specialised version for its values.
public struct NumberedTable<Value> {
    @usableFromInline typealias Page = NumberedPage<Value>

    @usableFromInline var pages: [Int: Page] = [:]
    /// The number of values.
    public private(set) var count = 0

    /// Creates an empty table.
    @inlinable public init() {}

    /// Whether there is no value.
    @inlinable public var isEmpty: Bool { count == 0 }

    /// The value of a number; nil if there is none, and to remove it.
    @inlinable public subscript(number: Int) -> Value? {
        get {
            guard let page = pages[number >> Page.bits] else { return nil }
            return page.values[number & Page.mask]
        }
        set { replace(number, by: newValue) }
    }

    @usableFromInline mutating func replace(_ number: Int, by value: Value?) {
        let (key, place) = (number >> Page.bits, number & Page.mask)
        guard value != nil || pages[key] != nil else { return }
        let change = pages[key, default: Page()].set(place, value)
        count += change
        if change < 0, pages[key]?.count == 0 { pages[key] = nil }
    }

    /// All values, in no particular order.
    @inlinable public var values: some Sequence<Value> {
        pages.values.lazy.flatMap { $0.values.lazy.compactMap { $0 } }
    }
}

extension NumberedTable: Sendable where Value: Sendable {}

/// The values of numbers that lie together.
@usableFromInline struct NumberedPage<Value> {
    @usableFromInline static var bits: Int { 5 }
    @usableFromInline static var mask: Int { 1 << bits - 1 }

    @usableFromInline var values: [Value?] = Array(repeating: nil, count: 1 << bits)
    /// How many of them there are.
    @usableFromInline var count = 0

    @usableFromInline init() {}

    /// Replaces a value; returns by how much there are more.
    mutating func set(_ place: Int, _ value: Value?) -> Int {
        let change = (value == nil ? 0 : 1) - (values[place] == nil ? 0 : 1)
        values[place] = value
        count += change
        return change
    }
}

extension NumberedPage: Sendable where Value: Sendable {}

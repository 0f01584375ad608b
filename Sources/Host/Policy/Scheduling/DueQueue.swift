public import HostValues

/// A priority queue of small numbers by due time: a heap with four children per node, with the position of each number.
///
/// All operations take O(log n). Equal times keep the order of insertion. It allocates only in `reserve`, and when it
/// outgrows the reserved size. A queue has times of one clock; it is inlinable, so that the module that uses it gets a
/// specialised version for its clock.
public struct DueQueue<Time: ClockTime>: Sendable {
    @usableFromInline typealias Entry = DueEntry<Time>

    @usableFromInline var entries: [Entry] = []
    @usableFromInline var positions: [Int32] = []
    @usableFromInline var order: UInt32 = 0

    /// Creates an empty queue.
    @inlinable public init() {}

    /// Reserves space for ids less than `count`.
    @inlinable public mutating func reserve(_ count: Int) {
        entries.reserveCapacity(count)
        if positions.count < count { positions += Array(repeating: -1, count: count - positions.count) }
    }

    /// Whether the queue is empty.
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    /// The number of ids in the queue.
    @inlinable public var count: Int { entries.count }
    /// The earliest time; `never` if the queue is empty.
    @inlinable public var earliest: Time { entries.first?.due ?? .never }

    /// The id that is due first, and the one that is due after it; nil where there is none.
    @inlinable public var nextTwo: (first: Int?, second: Int?) {
        guard let first = entries.first else { return (nil, nil) }
        if entries.count == 1 { return (Int(first.id), nil) }
        // A node's children are the only ones that can follow it.
        var second = entries[1]
        for child in entries.dropFirst(2).prefix(3) where precedes(child, second) { second = child }
        return (Int(first.id), Int(second.id))
    }

    /// Whether the id is in the queue.
    @inlinable public func contains(_ id: Int) -> Bool { positions.indices.contains(id) && positions[id] >= 0 }

    /// Inserts an id, or changes its time.
    @inlinable public mutating func set(_ id: Int, due: Time) {
        precondition(id >= 0 && id < Int32.max, "ids are counted from 0")
        if id >= positions.count { reserve(id + 1) }
        order &+= 1
        let entry = Entry(due: due, order: order, id: Int32(id))
        let position = Int(positions[id])
        if position < 0 {
            entries.append(entry)
            positions[id] = Int32(entries.count - 1)
            siftUp(entries.count - 1)
        } else {
            entries[position] = entry
            siftUp(position)
            siftDown(Int(positions[id]))
        }
    }

    /// Removes an id if it is in the queue.
    @inlinable public mutating func remove(_ id: Int) {
        guard contains(id) else { return }
        let position = Int(positions[id])
        positions[id] = -1
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[Int(last.id)] = Int32(position)
            siftUp(position)
            siftDown(Int(positions[Int(last.id)]))
        }
    }

    /// Removes and returns the earliest id if it is due by `now`; otherwise returns nil.
    @inlinable public mutating func popDue(now: Time) -> Int? {
        guard let first = entries.first, first.due <= now else { return nil }
        remove(Int(first.id))
        return Int(first.id)
    }

    @inlinable func precedes(_ a: Entry, _ b: Entry) -> Bool {
        a.due != b.due ? a.due < b.due : Int32(bitPattern: a.order &- b.order) < 0
    }

    @inlinable mutating func siftUp(_ start: Int) {
        var position = start
        let entry = entries[position]
        while position > 0 {
            let parent = (position - 1) / 4
            if !precedes(entry, entries[parent]) { break }
            entries[position] = entries[parent]
            positions[Int(entries[position].id)] = Int32(position)
            position = parent
        }
        entries[position] = entry
        positions[Int(entry.id)] = Int32(position)
    }

    @inlinable mutating func siftDown(_ start: Int) {
        var position = start
        let entry = entries[position]
        while true {
            let first = position * 4 + 1
            if first >= entries.count { break }
            var best = first
            var child = first + 1
            let end = min(first + 4, entries.count)
            while child < end {
                if precedes(entries[child], entries[best]) { best = child }
                child += 1
            }
            if !precedes(entries[best], entry) { break }
            entries[position] = entries[best]
            positions[Int(entries[position].id)] = Int32(position)
            position = best
        }
        entries[position] = entry
        positions[Int(entry.id)] = Int32(position)
    }
}

/// A number in a `DueQueue`. It is no part of that type, which would have it demand a clock's time: then the first list of
/// these would have the runtime look through all conformances, at each worker's start.
@usableFromInline
struct DueEntry<Time: Sendable>: Sendable {
    @usableFromInline var due: Time
    /// Counts insertions. It may begin anew: equal times that are two thousand million insertions apart are in some order.
    @usableFromInline var order: UInt32
    @usableFromInline var id: Int32

    @inlinable
    init(due: Time, order: UInt32, id: Int32) {
        self.due = due
        self.order = order
        self.id = id
    }
}

internal import HostSystem
internal import Synchronization

/// The values that a cache serves by key without a lock. It holds no reference to them: the cache's entries do, and what
/// an entry loses lives on until the callback in progress returns (`DeferredRelease`).
///
/// A hash table of buckets with four places each. It may forget any key: one that finds its bucket full takes the place of
/// another one, which is served under the lock the next time, and is remembered again then. One thread at a time reads, that
/// of the routine's callback. The same thread makes the table larger, under the cache's lock; every other change is made
/// under that lock too, by any thread.
@safe final class KeyedHits: @unchecked Sendable {
    // @unchecked: the places are atomic, `table` changes on the thread that reads, and `count` under the cache's lock.

    /// How much of a value's hash is kept beside it, so that few values of other keys are looked at.
    private typealias Tag = Atomic<UInt32>
    private typealias Place = Atomic<Unmanaged<CacheValue>?>

    /// The number of places in a bucket.
    private static let ways = 4
    /// The bounds of the number of places, which are powers of two; each takes 12 bytes.
    private static let (fewest, most) = (16, 1 << 17)

    /// The places, each with a value, and their tags.
    @safe private struct Table {
        let values: UnsafeMutablePointer<Place>
        let tags: UnsafeMutablePointer<Tag>
        let size: Int

        init(size: Int) {
            self.size = size
            unsafe values = .allocate(capacity: size)
            unsafe tags = .allocate(capacity: size)
            for index in 0..<size {
                unsafe (values + index).initialize(to: Place(nil))
                unsafe (tags + index).initialize(to: Tag(0))
            }
        }

        func free() {
            unsafe values.deinitialize(count: size)
            unsafe tags.deinitialize(count: size)
            unsafe values.deallocate()
            unsafe tags.deallocate()
        }

        /// The first place of a hash's bucket.
        @inline(__always)
        func bucket(_ hash: UInt32) -> Int { Int(hash) & (size / KeyedHits.ways - 1) * KeyedHits.ways }
    }

    /// nil before the first key.
    private var table: Table?
    /// The number of places in use.
    private var count = 0

    init() {}

    deinit { table?.free() }

    /// The hash of a key.
    @inline(__always)
    static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 { unsafe Checksum.crc32c(key) }

    private static func hash(of value: CacheValue) -> UInt32 { unsafe value.key.withUnsafeBytes { unsafe hash($0) } }

    /// The value of a key, alive until the callback in progress returns; nil if it is not remembered.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer) -> Unmanaged<CacheValue>? {
        guard let table else { return nil }
        let hash = unsafe Self.hash(key)
        let bucket = table.bucket(hash)
        for place in bucket..<bucket + Self.ways where unsafe table.tags[place].load(ordering: .relaxed) == hash {
            guard let value = unsafe table.values[place].load(ordering: .acquiring) else { continue }
            if unsafe value._withUnsafeGuaranteedRef({ unsafe $0.isOf(key) }) { return unsafe value }
        }
        return nil
    }

    /// Remembers the value of an entry. Call it under the cache's lock, on the thread that reads.
    func add(_ value: CacheValue) {
        if place(of: value) != nil { return }
        grow()
        add(value, Self.hash(of: value))
    }

    private func add(_ value: CacheValue, _ hash: UInt32) {
        guard let table else { return }
        let bucket = table.bucket(hash)
        let free = (bucket..<bucket + Self.ways).first { unsafe table.values[$0].load(ordering: .relaxed) == nil }
        if free != nil { count += 1 }
        let place = free ?? bucket + Int(truncatingIfNeeded: value.serial) & (Self.ways - 1)
        unsafe table.tags[place].store(hash, ordering: .relaxed)
        unsafe table.values[place].store(.passUnretained(value), ordering: .releasing)
    }

    /// An entry has got another value, or none. Call it under the cache's lock, while the old one is alive.
    func replace(_ old: CacheValue, by new: CacheValue?) {
        guard let table, let place = place(of: old) else { return }
        if new == nil { count -= 1 }
        unsafe table.values[place].store(new.map { unsafe .passUnretained($0) }, ordering: .releasing)
    }

    private func place(of value: CacheValue) -> Int? {
        guard let table else { return nil }
        let bucket = table.bucket(Self.hash(of: value))
        return (bucket..<bucket + Self.ways).first {
            unsafe table.values[$0].load(ordering: .relaxed)?.toOpaque() == Unmanaged.passUnretained(value).toOpaque()
        }
    }

    /// Keeps half of the places free, so that few buckets are full. A large table only doubles, since most of it would be free.
    private func grow() {
        guard let old = table else {
            table = Table(size: Self.fewest)
            return
        }
        guard count * 2 >= old.size, old.size < Self.most else { return }
        table = Table(size: old.size * (old.size < 1024 ? 4 : 2))
        count = 0
        for place in 0..<old.size {
            guard let value = unsafe old.values[place].load(ordering: .relaxed) else { continue }
            let hash = unsafe old.tags[place].load(ordering: .relaxed)
            unsafe value._withUnsafeGuaranteedRef { add($0, hash) }
        }
        old.free()
    }
}

/// Memory that is lent to a plugin for one call: values with stable addresses, freed together.
@safe final class LentMemory {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    init() {}

    deinit {
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }

    /// A copy of these bytes; not NULL, also where there are none.
    func bytes(_ bytes: some Collection<UInt8>) -> UnsafeRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
        unsafe blocks.append(block)
        unsafe UnsafeMutableRawBufferPointer(start: block, count: bytes.count).copyBytes(from: bytes)
        return UnsafeRawPointer(block)
    }

    /// A copy of a C struct.
    func value<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
        unsafe room(for: 1, repeating: value)
    }

    /// These values as a list that ends with NULL.
    func list<Value>(_ values: [Value]) -> UnsafePointer<UnsafePointer<Value>?> {
        let list: UnsafeMutablePointer<UnsafePointer<Value>?> = unsafe room(for: values.count + 1, repeating: nil)
        for index in values.indices { unsafe list[index] = unsafe UnsafePointer(value(values[index])) }
        return unsafe UnsafePointer(list)
    }

    /// C structs and pointers only: nothing is deinitialised.
    private func room<Value>(for count: Int, repeating value: Value) -> UnsafeMutablePointer<Value> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Value>.stride * count, alignment: MemoryLayout<Value>.alignment)
        unsafe blocks.append(block)
        return unsafe block.initializeMemory(as: Value.self, repeating: value, count: count)
    }
}

import AllocationCounter

/// Bytes of the heap that one of these objects of one class takes, with the allocator's own 8 and without what it refers to.
/// The smallest says it: where only 16 bytes would be left of a free piece, which is too few for one, the allocator gives them
/// to the object before (`MINSIZE` of the GNU C library), so one alone may seem larger than it is.
public func heapSize(of objects: [AnyObject]) -> Int {
    unsafe heapSize(at: objects.map { unsafe UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
}

/// The same of pieces of memory, each as malloc(3) gave it.
public func heapSize(at pieces: [UnsafeRawPointer]) -> Int {
    unsafe pieces.map { unsafe Int(allocation_size($0)) }.min() ?? .max
}

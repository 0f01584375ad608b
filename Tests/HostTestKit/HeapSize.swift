import Glibc

/// How many bytes of the heap an object takes, without what it refers to: 8 more than a multiple of 16. malloc_usable_size(3),
/// which Glibc's module lacks.
public func heapSize(of object: AnyObject) -> Int {
    typealias Size = @convention(c) (UnsafeMutableRawPointer) -> Int
    guard let symbol = unsafe dlsym(nil, "malloc_usable_size") else { return .max }
    let size = unsafe unsafeBitCast(symbol, to: Size.self)
    return unsafe size(Unmanaged.passUnretained(object).toOpaque())
}

internal import Glibc

/// Negative, 0 or positive if the first C string comes before the second by its bytes, is equal, or comes after it. strcmp(3).
public func compareText(_ first: UnsafePointer<CChar>, _ second: UnsafePointer<CChar>) -> Int32 {
    unsafe strcmp(first, second)
}

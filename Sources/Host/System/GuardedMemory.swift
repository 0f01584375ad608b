internal import Glibc

/// Memory that ends where nothing can be read.
public enum GuardedMemory {
    /// The end of so many zero bytes, at most a page, before a page without access; nil when there is no memory. Never
    /// given back. mmap(2), mprotect(2).
    public static func end(of size: Int) -> UnsafeMutableRawPointer? {
        let page = sysconf(Int32(_SC_PAGESIZE))
        guard size <= page else { return nil }
        let start = unsafe mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED, unsafe mprotect(start + page, page, PROT_NONE) == 0
        else { return nil }
        return unsafe start + page
    }
}

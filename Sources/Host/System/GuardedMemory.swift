internal import Glibc

/// Memory that is followed by an inaccessible page.
public enum GuardedMemory {
    /// Allocates `size` zero bytes, at most a page, directly before an inaccessible page, and returns the address of
    /// their end; nil if no memory can be had. The memory is never released. mmap(2), mprotect(2).
    public static func end(of size: Int) -> UnsafeMutableRawPointer? {
        let page = sysconf(Int32(_SC_PAGESIZE))
        guard size <= page else { return nil }
        let start = unsafe mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED, unsafe mprotect(start + page, page, PROT_NONE) == 0
        else { return nil }
        return unsafe start + page
    }
}

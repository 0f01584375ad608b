internal import CHostSystem

extension Thread {
    /// The size of `block` in bytes.
    public static let blockSize = Int(CHS_THREAD_BLOCK)

    /// Memory of the calling thread, of zeros at first and aligned to 16 bytes, until it ends; a process has one user of it,
    /// for which pthread_getspecific(3) is too slow.
    @inline(__always)
    public static var block: UnsafeMutableRawPointer { unsafe chs_thread_block() }
}

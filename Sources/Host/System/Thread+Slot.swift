internal import CHostSystem

extension Thread {
    /// A pointer of the calling thread, initially nil. A caller that sets it keeps the pointee alive, and restores the
    /// former value afterwards.
    public static var slot: UnsafeMutableRawPointer? {
        get { unsafe chs_thread_slot() }
        set { unsafe chs_set_thread_slot(newValue) }
    }
}

internal import CHostSystem

extension Thread {
    /// One pointer of the calling thread's own, nil at first. Whoever sets it keeps alive what it points to, and puts
    /// the one before back.
    public static var slot: UnsafeMutableRawPointer? {
        get { unsafe chs_thread_slot() }
        set { unsafe chs_set_thread_slot(newValue) }
    }
}

extension EventLoop {
    /// Calls `handler` when the mounts that `/proc/self/mounts`, open as this descriptor, lists have changed.
    ///
    /// The kernel reports that as an error condition, once a change, without being asked for. proc(5).
    public func watchMounts(_ descriptor: borrowing Descriptor, _ handler: @escaping () -> Void) throws(SystemError)
        -> Token
    {
        try watch(descriptor, for: .edge) { _ in handler() }
    }
}

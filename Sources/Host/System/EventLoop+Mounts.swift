extension EventLoop {
    /// Calls `handler` whenever the mount table changes. `descriptor` is `/proc/self/mounts`, open for reading.
    ///
    /// The kernel reports a change as an error condition, once for each change, which epoll always watches for.
    /// proc(5).
    public func watchMounts(_ descriptor: borrowing Descriptor, _ handler: @escaping () -> Void) throws(SystemError)
        -> Token
    {
        try watch(descriptor, for: .edge) { _ in handler() }
    }
}

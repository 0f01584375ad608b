internal import CHostSystem

/// The caches of the processor.
public enum ProcessorCache {
    /// Has the processor bring memory into its caches, to be written, while it goes on with other work. It reads nothing
    /// that the program could see, so that the memory may belong to another thread, or be gone.
    public static func fetch(_ memory: UnsafeRawPointer, bytes: Int) { unsafe chs_prefetch(memory, bytes) }
}

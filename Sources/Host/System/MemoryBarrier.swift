internal import CHostSystem

/// A barrier that one thread makes all threads of the process pass, so that these need none of their own.
public enum MemoryBarrier {
    /// Has each thread of this process pass a full barrier before it returns; false if the kernel does not do that.
    /// membarrier(2), `MEMBARRIER_CMD_PRIVATE_EXPEDITED`.
    ///
    /// What the caller has written before, another thread then sees in all that it reads after its barrier; and what that thread
    /// has written before its barrier, the caller sees now. A few microseconds; the first call in a process, which registers it,
    /// may take some milliseconds.
    public static func passAll() -> Bool { chs_barrier() == 0 }
}

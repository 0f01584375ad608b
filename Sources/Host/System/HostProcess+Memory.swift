internal import CHostSystem

extension HostProcess {
    /// Makes malloc return large blocks to the system as soon as they are freed, for a process that seldom needs any.
    /// By default malloc raises that threshold to the size of the largest block freed so far. mallopt(3).
    public static func keepLittleFreeMemory() {
        _ = mallopt(M_MMAP_THRESHOLD, 128 << 10)
        _ = mallopt(M_TRIM_THRESHOLD, 128 << 10)
    }

    /// Returns unused memory of malloc to the system. malloc_trim(3).
    public static func returnFreeMemory() { _ = malloc_trim(0) }
}

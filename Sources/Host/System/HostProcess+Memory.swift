internal import CHostSystem

extension HostProcess {
    /// Has the allocator hand large pieces back to the system as soon as they are free, for a process that seldom needs
    /// any. By itself it keeps pieces as large as the largest one that was ever freed. mallopt(3).
    public static func keepLittleFreeMemory() {
        _ = mallopt(M_MMAP_THRESHOLD, 128 << 10)
        _ = mallopt(M_TRIM_THRESHOLD, 128 << 10)
    }

    /// Hands the system back what the allocator holds and nobody uses now. malloc_trim(3).
    public static func returnFreeMemory() { _ = malloc_trim(0) }
}

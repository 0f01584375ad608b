internal import CHostSystem
internal import Glibc

/// Processor time of the calling thread, ns: what it has worked, without what it was kept waiting.
/// clock_gettime(2), `CLOCK_THREAD_CPUTIME_ID`.
public func threadProcessorTime() -> Int64 {
    var time = timespec()
    guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

internal import CHostSystem
internal import Glibc

/// The processor time that the calling thread has used, in ns, without the time that it waited. clock_gettime(2),
/// `CLOCK_THREAD_CPUTIME_ID`.
public func threadProcessorTime() -> Int64 {
    var time = timespec()
    guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

internal import Glibc

extension HostProcess {
    /// Opens `/dev/null` for those of the descriptors 0 to 2 that are closed: otherwise the next file of ours would
    /// take the number and get what is written to standard output or standard error. Call it first. open(2).
    public static func occupyStandardDescriptors() {
        while true {
            let number = unsafe open("/dev/null", O_RDWR)
            if number > 2 { close(number) }
            if number < 0 || number > 2 { return }
        }
    }
}

internal import Glibc

extension HostProcess {
    /// Opens `/dev/null` on those of the descriptors 0 to 2 that are closed. Otherwise the next file that we open would
    /// get such a number, and with it what is written to standard output or error. Call it first. open(2).
    public static func occupyStandardDescriptors() {
        while true {
            let number = unsafe open("/dev/null", O_RDWR)
            if number > 2 { close(number) }
            if number == STDOUT_FILENO { StandardStream.outputIsClosed() }
            if number < 0 || number > 2 { return }
        }
    }
}

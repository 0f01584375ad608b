internal import HostValues

extension HostProcess {
    /// The number of the name space in which process ids mean something; 0 if it cannot be read. pid_namespaces(7).
    public static var pidNamespace: UInt64 {
        guard let directory = try? Directory("/proc/self/ns"),
            let file = try? directory.openForReading("pid", followLink: true)
        else { return 0 }
        return (try? file.status(subject: "pid").inode) ?? 0
    }
}

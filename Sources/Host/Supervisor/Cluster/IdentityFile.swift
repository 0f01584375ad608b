internal import HostCluster
internal import HostSystem
internal import HostValues

/// The file in the state directory by which a host is the same one after each start: `cluster.json`.
enum IdentityFile {
    static let name = "cluster.json"

    /// A file that does not say who the host is.
    struct Fault: Error, CustomStringConvertible {
        let path: String

        var description: String {
            "\(path): it does not say which host of its cluster this is: remove it, and this host is a new one"
        }
    }

    /// Who this host is, and whether it is drained: as the file says, or somebody new. The file is on the disk when this
    /// returns.
    static func establish(in path: String) throws -> (identity: HostIdentity, isDraining: Bool) {
        let directory = try Directory(path)
        let known = try read(directory)
        let identity = HostIdentity(
            id: known?.id ?? HostID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max)),
            name: HostProcess.hostName, pid: UInt64(HostProcess.pid),
            boot: boot, version: HostVersion.text, seed: .random(in: 0 ... .max))
        let isDraining = known?.isDraining ?? false
        try keep(identity, isDraining: isDraining, in: path)
        return (identity, isDraining)
    }

    /// Keeps whether the host is drained. The file is on the disk when this returns.
    static func keep(_ identity: HostIdentity, isDraining: Bool, in path: String) throws {
        let directory = try Directory(path)
        try directory.save(IdentityRecord(identity, isDraining: isDraining).bytes, as: name)
        try directory.descriptor.synchronize(subject: path)
    }

    /// Where processes have the ids that they have: a boot of a machine, and a namespace. Where that cannot be known it is
    /// like no other, so that no process of an earlier life is looked for.
    private static var boot: String {
        let (boot, namespace) = (bootIdentifier(), HostProcess.pidNamespace)
        return boot.isEmpty || namespace == 0 ? "unknown:\(UInt64.random(in: 0 ... .max))" : "\(boot):\(namespace)"
    }

    private static func read(_ directory: borrowing Directory) throws -> IdentityRecord? {
        let file: Descriptor
        do throws(SystemError) {
            file = try directory.openForReading(name)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        guard let record = IdentityRecord(try file.readAll(limit: 1 << 16, subject: directory.child(name))) else {
            throw Fault(path: directory.child(name))
        }
        return record
    }

    /// Whether there is no process of that id but this one.
    static func isGone(_ pid: UInt64) -> Bool {
        guard let pid = Int32(exactly: pid) else { return true }
        return pid == HostProcess.pid || !HostProcess.exists(pid)
    }
}

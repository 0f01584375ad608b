internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The files whose content configurations take (`${file:PATH}`). They often contain passwords, so plugins must not read
/// them: a plugin gets only the parameters of its own configuration.
final class SecretFiles {
    /// The kernel's own files contain nothing that belongs to the host's user, and each program needs some of them.
    private static let system = ["/proc/", "/sys/", "/dev/"]

    private struct Known {
        let status: FileStatus
        let paths: Set<String>
    }

    private var known: [String: Known] = [:]
    /// The paths of all of them.
    private var all: Set<String> = []

    /// The absolute paths in these configuration files. Only files that have changed are read. While a file cannot be
    /// read, its former content counts, since the host goes on with that.
    func paths(in files: [String]) -> Set<String> {
        let wanted = Set(files)
        let gone = known.keys.filter { !wanted.contains($0) }
        for file in gone { known[file] = nil }
        var hasChanged = !gone.isEmpty
        for file in files {
            guard let status = FileStatus.of(file), known[file]?.status != status else { continue }
            let (folder, name) = Directory.split(HostProcess.absolute(file))
            guard let opened = try? Directory(folder).openForReading(name, followLink: true),
                let content = try? opened.readAll(limit: 1 << 20, subject: file),
                let found = Surrounding.files(in: content)
            else { continue }
            let paths = found.map { $0.hasPrefix("/") ? $0 : folder + "/" + $0 }
            hasChanged = true
            known[file] = Known(
                status: status, paths: Set(paths.filter { path in !Self.system.contains { path.hasPrefix($0) } }))
        }
        // There may be a thousand files, and this is asked for again and again while as many workers start.
        if hasChanged { all = known.values.reduce(into: []) { $0.formUnion($1.paths) } }
        return all
    }
}

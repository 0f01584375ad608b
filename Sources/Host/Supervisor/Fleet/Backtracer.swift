internal import HostSystem

/// Finds the Swift runtime's backtracer, the program that writes crash reports.
///
/// The runtime looks for it beside its own library, which is linked into the host (see Package.swift). So the runtime
/// must be told the path: of the backtracer installed with the host, `libexec/schedhost/swift-backtrace-static` beside
/// `bin`, or else of one in a toolchain whose `swift` is in `PATH`.
enum Backtracer {
    /// The program's path; nil if there is none, and crashes are then recorded without a report.
    static func find(host: String?, path: String?, isProgram: (String) -> Bool, resolve: (String) -> String?) -> String?
    {
        // The static one comes first: like the host, it needs no libraries to be found.
        func program(in place: String) -> String? {
            for name in ["/swift-backtrace-static", "/swift-backtrace"] where isProgram(place + name) {
                return place + name
            }
            return nil
        }
        if let host, let prefix = parent(of: host, levels: 2), let found = program(in: prefix + "/libexec/schedhost") {
            return found
        }
        // Each folder of `PATH` is resolved part by part, so that is only done where it is needed.
        for folder in (path ?? "").split(separator: ":") {
            guard let swift = resolve(folder + "/swift"), let prefix = parent(of: swift, levels: 2) else { continue }
            if let found = program(in: prefix + "/libexec/swift/linux") { return found }
        }
        return nil
    }

    /// The backtracer for this process.
    static func find() -> String? {
        find(
            host: HostProcess.executable, path: HostProcess.environment("PATH"),
            isProgram: HostProcess.isProgram, resolve: HostProcess.resolved)
    }

    private static func parent(of path: String, levels: Int) -> String? {
        var rest = path[...]
        for _ in 0..<levels {
            guard let slash = rest.lastIndex(of: "/") else { return nil }
            rest = rest[..<slash]
        }
        return String(rest)
    }
}

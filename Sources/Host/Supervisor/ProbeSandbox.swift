internal import HostInspection
internal import HostPolicy
internal import HostSystem

/// The sandbox of a worker that only looks at a plugin, or checks it: as built in, with no grants.
enum ProbeSandbox {
    /// Puts a worker into it that loads a file of a directory. `own`: what it may write.
    static func confine(
        _ setup: inout WorkerLink.Setup, file: PluginFile, in folder: String, own: [String] = []
    ) throws(SystemError) {
        setup.limits.sandbox.level = .on
        let folder = HostProcess.absolute(folder)
        var libraries: [String] = []
        if let directory = try? Directory(folder) {
            libraries = Libraries(of: file, in: directory, allowUnsafePermissions: true).found.map(\.name)
        }
        let maker = SandboxMaker(hidden: [], plugins: folder, tell: { _ in }) { Set(libraries) }
        var places = SandboxPolicy.Places()
        places.own = own
        places.code = [folder + "/" + file.name] + setup.libraries.folders.filter { HostProcess.absolute($0) != folder }
        setup.policy = try maker.policy(setup.limits.sandbox, places).bytes
    }
}

internal import HostInspection
internal import HostPolicy
internal import HostSystem

/// The sandbox of a worker that inspects or checks a plugin: the built-in default, without grants.
enum ProbeSandbox {
    /// Confines a worker that loads a file of a directory. `own`: the paths that it may write to.
    static func confine(
        _ setup: inout WorkerLink.Setup, file: PluginFile, in folder: String, own: [String] = []
    ) {
        setup.limits.sandbox.level = .on
        let folder = HostProcess.absolute(folder)
        var libraries: [String] = []
        if let directory = try? Directory(folder) {
            libraries = Libraries(of: file, in: directory, allowUnsafePermissions: true).found.map(\.name)
        }
        let maker = SandboxMaker(hidden: [], plugins: folder, tell: { _ in }) { Set(libraries) }
        var places = SandboxPolicy.Places()
        places.own = own
        places.code = [folder + "/" + file.name] + maker.libraryFolders(of: setup.libraries)
        setup.sandbox = .maker(maker, setup.limits.sandbox, places)
    }
}

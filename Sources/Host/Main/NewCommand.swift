internal import HostCommandLine
internal import HostSystem

/// `new`: creates the template of a plugin.
enum NewCommand {
    static func new(_ options: NewOptions) throws -> ExitStatus {
        let installed = Installation.found
        if let fault = PluginTemplate.fault(options, installed: installed) {
            Complaint.say(fault)
            return .usage
        }
        let files = PluginTemplate.files(options, installed: installed)
        do throws(SystemError) {
            let here = try Directory(".")
            try here.makeDirectory(options.name)
            let folder = try here.directory(options.name)
            for (path, text) in files { try write(text, to: path.split(separator: "/")[...], in: folder) }
        } catch {
            let mend = error.isExisting ? ": choose another name, or remove it" : ""
            Complaint.say("\(error)\(mend)")
            return .cannotCreate
        }
        StandardStream.output.write(
            """
            \(options.name)/ has a plugin in \(options.language == .c ? "C" : "Swift"):

                cd \(options.name)
                make        builds lib\(options.name).so
                make run    runs five cycles of it
                make check  says whether it is a good plugin
                make test   runs an hour of it in virtual time

            """)
        return .success
    }

    /// Writes a file and makes the missing folders on its path.
    private static func write(
        _ text: String, to path: ArraySlice<Substring>, in folder: borrowing Directory
    ) throws(SystemError) {
        guard let first = path.first.map({ String($0) }) else { return }
        if path.count == 1 {
            let file = try folder.create(first, mode: 0o644)
            return try file.writeAll(Array(text.utf8), subject: folder.child(first))
        }
        do throws(SystemError) {
            try folder.makeDirectory(first)
        } catch  where error.isExisting {
            // An earlier file is in the same folder.
        }
        try write(text, to: path.dropFirst(), in: folder.directory(first))
    }
}

/// The locations of the files that plugin authors need.
struct Installation {
    /// The directory of `schedhost/plugin.h`.
    var include: String
    /// The directories of the Swift module `PluginAPI` and of its library.
    var module: String
    var library: String
    /// The directory of the Swift package with `PluginAPI` and `PluginTesting`.
    var package: String
    /// The path of the running program.
    var program: String

    /// The installation found by searching upwards from the program's location: an installation prefix or a source
    /// tree.
    static var found: Installation? {
        guard let program = HostProcess.executable else { return nil }
        var parts = program.split(separator: "/").map { String($0) }
        let folder = "/" + parts.dropLast().joined(separator: "/")
        while parts.popLast() != nil {
            let root = "/" + parts.joined(separator: "/")
            if isThere(root + "/include/schedhost", "plugin.h") {
                let swift = root + "/lib/schedhost/swift"
                return Installation(
                    include: root + "/include", module: swift, library: swift,
                    package: root + "/share/schedhost/PluginAPI", program: program)
            }
            let sources = root + "/Sources/PluginAPI/C/include"
            if isThere(sources + "/schedhost", "plugin.h") {
                return Installation(
                    include: sources, module: folder + "/Modules", library: folder, package: root, program: program)
            }
        }
        return nil
    }

    private static func isThere(_ folder: String, _ name: String) -> Bool {
        (try? Directory(folder).status(name, followLink: true)) != nil
    }
}

internal import HostCore
internal import HostSupervisor
internal import HostSystem

/// `check`: are these good plugins and configurations?
enum CheckCommand {
    static func check(_ options: CheckOptions) throws -> ExitStatus {
        var isGood = true
        if let path = options.config, !(try configuration(path, isHost: true)) { isGood = false }
        for path in options.files {
            let isFine =
                path.hasSuffix(".json5")
                ? try configuration(path, isHost: name(of: path) == "schedhost.json5")
                : try plugin(path, isQuick: options.isQuick)
            if !isFine { isGood = false }
        }
        return isGood ? .success : .failure
    }

    private static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

    private static func folder(of path: String) -> String {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
    }

    // MARK: Plugins

    private static func plugin(_ path: String, isQuick: Bool) throws -> Bool {
        let folder = folder(of: path)
        let directory = try Directory(folder)
        let finding = try PluginProbe.look(at: name(of: path), in: directory, allowUnsafePermissions: true)
        switch finding {
        case .refused(let text):
            StandardStream.output.write("refused: \(TerminalText.clean(text))\n")
            return false
        case .plugin(let file, let plugin):
            StandardStream.output.write(PluginText.text(file, plugin))
            if isQuick { return true }
            let findings = try Conformance.examine(file, plugin, in: folder)
            for note in findings.notes { StandardStream.output.write("    note: \(TerminalText.clean(note))\n") }
            for fault in findings.faults {
                StandardStream.output.write(
                    "    fault: \(TerminalText.clean(directory.child(file.name))): \(TerminalText.clean(fault))\n")
            }
            if findings.faults.isEmpty { StandardStream.output.write("    good\n") }
            return findings.faults.isEmpty
        }
    }

    // MARK: Configurations

    /// Checks a file by itself, and against the plugins beside it.
    private static func configuration(_ path: String, isHost: Bool) throws -> Bool {
        do {
            if isHost {
                let host = try ConfigurationFiles.host(path, isOptional: false)
                for plugin in try plugins(beside: path) { try host.plugins[plugin.id]?.check(against: plugin) }
            } else {
                let configuration = try ConfigurationFiles.plugin(path)
                let id = String(name(of: path).dropLast(6))
                let plugin = try plugins(beside: path).first { $0.id == id }
                if let plugin { try configuration.check(against: plugin) }
                let text = "no plugin \(id) beside it: its routines and parameters were not examined"
                if plugin == nil { StandardStream.output.write("\(TerminalText.clean("\(path): note: \(text)"))\n") }
            }
        } catch let error as ConfigurationError {
            StandardStream.output.write("\(error)\n")
            return false
        }
        StandardStream.output.write("\(TerminalText.clean(path)): good\n")
        return true
    }

    private static func plugins(beside path: String) throws -> [PluginDescription] {
        let directory = try Directory(folder(of: path))
        return try directory.names().filter { PluginFile.isCandidate($0) }.compactMap { name in
            let finding = try PluginProbe.look(at: name, in: directory, allowUnsafePermissions: true)
            if case .plugin(_, let plugin) = finding { return plugin }
            return nil
        }
    }
}

internal import HostCore
internal import HostSupervisor
internal import HostSystem

/// `list` and `check`: what plugin files offer, or why they are refused.
enum ListCommand {
    /// Every file of a directory.
    static func list(_ options: ListOptions) throws -> ExitStatus {
        let directory = try Directory(options.plugins)
        let names = try directory.names().filter { PluginFile.isCandidate($0) }
        if names.isEmpty { StandardStream.error.write("schedhost: no *.so file in \(options.plugins)\n") }
        for name in names {
            let finding = try PluginProbe.look(
                at: name, in: directory, allowUnsafePermissions: options.allowUnsafePermissions)
            show(finding)
        }
        return .success
    }

    /// Single files: are they good plugins?
    static func check(_ options: CheckOptions) throws -> ExitStatus {
        var status = ExitStatus.success
        for path in options.files {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let folder = parts.dropLast().joined(separator: "/")
            let directory = try Directory(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder)
            let finding = try PluginProbe.look(
                at: String(parts.last ?? ""), in: directory, allowUnsafePermissions: true)
            show(finding)
            if case .refused = finding { status = .failure }
        }
        return status
    }

    private static func show(_ finding: PluginProbe.Finding) {
        switch finding {
        case .refused(let text): StandardStream.output.write("refused: \(text)\n")
        case .plugin(let file, let plugin): StandardStream.output.write(text(file, plugin))
        }
    }

    private static func text(_ file: PluginFile, _ plugin: PluginDescription) -> String {
        var lines = ["\(plugin.id) \(plugin.version) (\(file.name), \(file.language), ABI \(file.abiMajor).\(file.abiMinor))"]
        if let description = plugin.description { lines.append("    \(description)") }
        for routine in plugin.routines {
            var words = "    \(plugin.id)/\(routine.name): every \(DurationText.format(milliseconds: Int64(routine.waitMs)))"
            if routine.maxCycles > 0 { words += ", \(routine.maxCycles) cycles" }
            if let description = routine.description { words += ": \(description)" }
            lines.append(words)
        }
        for parameter in plugin.parameters {
            var words = "    params.\(parameter.name): \(parameter.type.rawValue)"
            if let value = parameter.defaultValue { words += " = \(value)" }
            if let range = parameter.range { words += " (\(range))" }
            if let description = parameter.description { words += ": \(description)" }
            lines.append(words)
        }
        return lines.map { TerminalText.clean($0) + "\n" }.joined()
    }
}

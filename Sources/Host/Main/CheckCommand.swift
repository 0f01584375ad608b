internal import HostCommandLine
internal import HostInspection
internal import HostPolicy
internal import HostSupervisor
internal import HostSystem
internal import HostValues

/// `check`: checks plugin files and configuration files.
enum CheckCommand {
    static func check(_ options: CheckOptions) throws -> ExitStatus {
        var all: [FileFindings] = []
        if let path = options.config { all.append(try configuration(path, isHost: true, options)) }
        for path in options.files {
            all.append(
                path.hasSuffix(".json5")
                    ? try configuration(path, isHost: Directory.split(path).name == "schedhost.json5", options)
                    : try plugin(path, options))
        }
        if options.isJSON { StandardStream.output.write(FileFindings.json(all)) }
        return all.allSatisfy(\.isGood) ? .success : .failure
    }

    /// Writes a line for people at once; JSON is written as a whole at the end.
    private static func say(_ text: String, _ options: CheckOptions) {
        if !options.isJSON { StandardStream.output.write(text) }
    }

    // MARK: Plugins

    private static func plugin(_ path: String, _ options: CheckOptions) throws -> FileFindings {
        var all = FileFindings(path)
        let (folder, name) = Directory.split(path)
        let directory: Directory
        do throws(SystemError) { directory = try Directory(folder) } catch {
            let text = "\(path): cannot be read: \(error)"
            say("refused: \(TerminalText.clean(text))\n", options)
            all.refusal = text
            return all
        }
        let finding = try PluginProbe.look(at: name, in: directory, allowUnsafePermissions: true, clock: SystemClock())
        switch finding {
        case .refused(let text), .library(let text):
            say("refused: \(TerminalText.clean(text))\n", options)
            all.refusal = text
        case .plugin(let file, let plugin):
            all.plugin = (file, plugin)
            say(PluginText.text(file, plugin), options)
            if let refusal = refusal(of: name, in: directory) {
                all.notes.append("a host refuses it where it lies: \(refusal)")
            }
            if options.asksForSandbox {
                all.notes += try needs(of: file, plugin, directory, options)
            } else if !options.isQuick {
                let findings = try Conformance.examine(
                    file, plugin, store: try storeSettings(of: plugin, directory, options), in: folder,
                    clock: SystemClock())
                all.notes += findings.notes
                all.faults = findings.faults
            }
            for note in all.notes { say("    note: \(TerminalText.clean(note))\n", options) }
            for fault in all.faults {
                say(
                    "    fault: \(TerminalText.clean(directory.child(file.name))): \(TerminalText.clean(fault))\n",
                    options)
            }
            if all.faults.isEmpty, !options.isQuick, !options.asksForSandbox { say("    good\n", options) }
        }
        return all
    }

    /// The settings of a plugin that offers a store, by the configuration beside it; nil for other plugins.
    private static func storeSettings(
        of plugin: PluginDescription, _ directory: borrowing Directory, _ options: CheckOptions
    ) throws -> EffectiveSettings? {
        guard plugin.offersStore else { return nil }
        let host = try ConfigurationFiles.host(
            options.config ?? directory.child("schedhost.json5"), isOptional: options.config == nil)
        let layers = try ConfigurationFiles.plugin(directory.child(plugin.id + ".json5"), of: plugin, host: host)
        return EffectiveSettings(
            of: plugin.routines.first ?? .absent, in: plugin, host: host.layer, layers.instance(layers.instances.first),
            limit: host.sandboxLimit)
    }

    /// Reports the operations of a plugin that its sandbox refuses, under the configuration beside the plugin.
    private static func needs(
        of file: PluginFile, _ plugin: PluginDescription, _ directory: borrowing Directory, _ options: CheckOptions
    ) throws -> [String] {
        let host = try ConfigurationFiles.host(
            options.config ?? directory.child("schedhost.json5"), isOptional: options.config == nil)
        let path = directory.child(plugin.id + ".json5")
        let layers = try ConfigurationFiles.plugin(path, of: plugin, host: host)
        let own = layers.instance(layers.instances.first)
        let settings = plugin.routines.map {
            EffectiveSettings(of: $0, in: plugin, host: host.layer, own, limit: host.sandboxLimit)
        }
        let needs = try Conformance.needs(
            of: file, plugin, settings: settings, in: directory.path, clock: SystemClock())
        guard let block = needs.block else {
            say("    needs nothing in sandbox {} beside what is there\n", options)
            return needs.notes
        }
        let lines = block.split(separator: "\n").map { "    \(TerminalText.clean(String($0)))\n" }.joined()
        say("    for \(TerminalText.clean(path)):\n\(lines)", options)
        return needs.notes + (options.isJSON ? [block] : [])
    }

    /// The reason why a host would refuse the file in this directory although it is a valid plugin: other users can
    /// write to the file or the directory. Nil if the host would accept it.
    private static func refusal(of name: String, in directory: borrowing Directory) -> String? {
        do throws(Refusal) {
            _ = try PluginFile.inspect(directory, name: name, allowUnsafePermissions: false)
            return nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: Configurations

    /// Checks a configuration file on its own, and against the plugins beside it.
    private static func configuration(_ path: String, isHost: Bool, _ options: CheckOptions) throws -> FileFindings {
        var findings = FileFindings(path)
        do {
            if isHost {
                let host = try ConfigurationFiles.host(path, isOptional: false)
                let plugins = try plugins(beside: path)
                for plugin in plugins { try ConfigurationFiles.check(host, against: plugin) }
                for (id, block) in host.plugins.sorted(by: { $0.key < $1.key })
                where !plugins.contains(where: { $0.id == id }) {
                    try ConfigurationFiles.check(block, of: id, host: host)
                }
            } else {
                let configuration = try ConfigurationFiles.plugin(path)
                let id = String(Directory.split(path).name.dropLast(6))
                let plugin = try plugins(beside: path).first { $0.id == id }
                let host = try host(beside: path, options)
                if let plugin { try configuration.check(against: plugin) }
                try host.check(configuration)
                // The plugin's level of isolation may come from the host's file.
                try ConfigurationFiles.check(configuration, of: id, host: host)
                if ConfigurationFiles.limitsAreShared(configuration, of: id, host: host) {
                    let text = "its limits do not hold: a shared worker has those of schedhost.json5"
                    findings.notes.append(text)
                    say("\(TerminalText.clean("\(path): note: \(text)"))\n", options)
                }
                if plugin == nil {
                    let text = "no plugin \(id) beside it: its routines and parameters were not examined"
                    findings.notes.append(text)
                    say("\(TerminalText.clean("\(path): note: \(text)"))\n", options)
                }
            }
        } catch let error where error is ConfigurationError || error is SystemError {
            say("\(TerminalText.cleanLines("\(error)"))\n", options)
            findings.faults.append("\(error)")
            return findings
        }
        say("\(TerminalText.clean(path)): good\n", options)
        return findings
    }

    /// The host's configuration that applies beside a plugin's file. Errors in it are ignored here; they are reported
    /// when that file itself is checked.
    private static func host(beside path: String, _ options: CheckOptions) throws -> HostConfiguration {
        let directory = try Directory(Directory.split(path).folder)
        let host = try? ConfigurationFiles.host(
            options.config ?? directory.child("schedhost.json5"), isOptional: options.config == nil)
        return host ?? HostConfiguration()
    }

    private static func plugins(beside path: String) throws -> [PluginDescription] {
        let directory = try Directory(Directory.split(path).folder)
        return try directory.names().filter { PluginFile.isCandidate($0) }.compactMap { name in
            let finding = try PluginProbe.look(
                at: name, in: directory, allowUnsafePermissions: true, clock: SystemClock())
            if case .plugin(_, let plugin) = finding { return plugin }
            return nil
        }
    }
}

internal import HostCommandLine
internal import HostInspection
internal import HostPolicy
internal import HostStore
internal import HostSupervisor
internal import HostSystem
internal import HostValues

/// `list`: shows what each plugin file offers and which settings apply to its routines, or why the file is refused.
enum ListCommand {
    /// Lists all files of a directory.
    static func list(_ options: ListOptions) throws -> ExitStatus {
        let directory = try Program.plugins(options.plugins)
        let host = try ConfigurationFiles.host(
            options.config ?? directory.child("schedhost.json5"), isOptional: options.config == nil)
        let (entries, foreign) = try directory.listing()
        let names = entries.filter { PluginFile.isCandidate($0) }.sorted(by: NaturalOrder.precedes)
        let unread = foreign.compactMap { ForeignNames.fault(of: $0, in: directory.child($0)) }
        if names.isEmpty, unread.isEmpty {
            Complaint.say("no *.so file in \(options.plugins)")
        }
        let needed = PluginProbe.neededLibraries(
            in: directory, names, allowUnsafePermissions: options.allowUnsafePermissions)
        var owners: [String: String] = [:]
        var all: [FileFindings] = []
        var foreignFindings: [FileFindings] = []
        for fault in unread {
            var findings = FileFindings(directory.path)
            findings.refusal = fault
            foreignFindings.append(findings)
            if !options.isJSON { StandardStream.output.write("refused: \(TerminalText.clean(fault))\n") }
        }
        for name in names {
            var findings = FileFindings(directory.child(name))
            defer { all.append(findings) }
            let finding = try PluginProbe.look(
                at: name, in: directory, allowUnsafePermissions: options.allowUnsafePermissions, clock: SystemClock())
            switch finding {
            case .library where needed.contains(name):
                findings.notes.append("a library that a plugin here needs")
                if !options.isJSON {
                    StandardStream.output.write(
                        "library: \(TerminalText.clean(directory.child(name))): a plugin here needs it\n")
                }
            case .refused(let text), .library(let text):
                findings.refusal = text
                if !options.isJSON { StandardStream.output.write("refused: \(TerminalText.clean(text))\n") }
            case .plugin(let file, let plugin):
                if let owner = owners[plugin.id] {
                    let text = "its name \(plugin.id) is taken by \(owner): remove one of the two files"
                    findings.refusal = text
                    if options.isJSON { continue }
                    StandardStream.output.write("refused: \(TerminalText.clean("\(directory.child(name)): \(text)"))\n")
                    continue
                }
                owners[plugin.id] = name
                findings.plugin = (file, plugin)
                var known: [(routine: String, settings: EffectiveSettings)] = []
                do {
                    known = try effective(of: plugin, host, directory)
                    findings.settings = known.map { ($0.routine, $0.settings.listing) }
                    if let unmet = SandboxText.unmetNeeds(of: plugin, known.map(\.settings)) {
                        findings.faults.append(unmet)
                    }
                } catch {
                    findings.faults.append("its configuration is wrong: \(error)")
                }
                if options.isJSON { continue }
                StandardStream.output.write(PluginText.text(file, plugin))
                StandardStream.output.write(
                    settings(findings, of: plugin, known.map(\.settings), isWhole: options.isWhole))
            }
        }
        if options.isJSON { StandardStream.output.write(FileFindings.json(all + foreignFindings)) }
        let unclaimed = UnclaimedSettings.faults(
            files: try directory.names(), blocks: Array(host.plugins.keys), hostFile: "schedhost.json5",
            claims: zip(names, all).map { ($0, $1.plugin?.description.id) }, path: { directory.child($0) })
        for fault in unclaimed { Complaint.say(fault.text) }
        return (all + foreignFindings).contains { $0.refusal != nil || !$0.faults.isEmpty } ? .failure : .success
    }

    /// The settings that apply to each routine, with their origins.
    private static func effective(
        of plugin: PluginDescription, _ host: HostConfiguration, _ directory: borrowing Directory
    ) throws -> [(routine: String, settings: EffectiveSettings)] {
        let layers = try ConfigurationFiles.plugin(directory.child(plugin.id + ".json5"), of: plugin, host: host)
        let instances: [String?] = layers.instances.isEmpty ? [nil] : layers.instances
        return instances.flatMap { instance in
            let own = layers.instance(instance)
            return plugin.routines.map { routine in
                (
                    InstanceName.fullName(plugin.id, instance) + "/" + routine.name,
                    EffectiveSettings(
                        of: routine, in: plugin, host: host.layer, own, limit: host.sandboxLimit)
                )
            }
        }
    }

    /// The next three times of each schedule, one a line, with what else is notable about the schedule.
    private static func next(_ settings: EffectiveSettings) -> [String] {
        let timing = settings.timing
        let now = SystemClock().wall().seconds
        return timing.schedules.flatMap { text -> [String] in
            do {
                let schedule = try ScheduleText(text, isZone: TimeZones.has)
                let zone = try TimeZones.zone(schedule.zone ?? timing.zone, from: now)
                let table = CalendarTable(
                    schedule, normal: text, zone: zone.name, rules: zone.rules, dst: timing.dst, after: now, count: 3)
                return table.text(now: now).split(separator: "\n").map { String($0) }
            } catch {
                return ["\(text): \(error)"]
            }
        }
    }

    private static func settings(
        _ findings: FileFindings, of plugin: PluginDescription, _ known: [EffectiveSettings], isWhole: Bool
    ) -> String {
        var text = ""
        for fault in findings.faults.flatMap({ $0.split(separator: "\n") }) {
            text += "    refused: \(TerminalText.clean(String(fault)))\n"
        }
        if let first = known.first {
            text += "    \(SandboxText.text(first))\n"
            if let limits = LimitsText.text(first) { text += "    \(limits)\n" }
        }
        for ((routine, every), effective) in zip(findings.settings, known) {
            let listing = every.filter { isWhole || $0.origin != SettingOrigin.builtIn.description }
            let isDisabled = listing.contains { $0.key == SettingKey.enabled.rawValue && $0.value == "false" }
            let state = isDisabled ? " (disabled)" : ""
            text += TerminalText.clean("    settings of \(routine)\(state):") + "\n"
            let width = listing.reduce(0) { max($0, TerminalText.width($1.key)) }
            let values = listing.reduce(0) { max($0, min(TerminalText.width($1.value), 24)) }
            for (key, value, origin) in listing {
                let line =
                    "        " + TerminalText.pad(key, to: width + 2) + TerminalText.pad(value, to: values)
                    + "  (\(origin))"
                text += TerminalText.clean(line) + "\n"
            }
            if listing.count < every.count {
                text += "        \(every.count - listing.count) more as built in: --all shows them\n"
            }
            for line in next(effective) { text += TerminalText.clean("        " + line) + "\n" }
        }
        return text
    }
}

/// Formats a plugin for `list` and `check`.
enum PluginText {
    static func text(_ file: PluginFile, _ plugin: PluginDescription) -> String {
        var lines = [
            "\(plugin.id) \(plugin.version) (\(file.name), \(file.language), ABI \(file.abiMajor).\(file.abiMinor))"
        ]
        if let description = plugin.description { lines.append("    \(description)") }
        for routine in plugin.routines {
            var words = "    \(plugin.id)/\(routine.name): "
            if let schedule = routine.schedule {
                words += "by \"\(schedule)\""
            } else {
                words += "every \(DurationText.format(milliseconds: Int64(clamping: routine.waitMs)))"
            }
            if routine.maxCycles > 0 { words += ", \(routine.maxCycles) cycles" }
            if let description = routine.description { words += ": \(description)" }
            lines.append(words)
        }
        for need in plugin.needs { lines.append("    needs \(need)") }
        for parameter in plugin.parameters {
            var words = "    params.\(parameter.name): \(parameter.type.rawValue)"
            if parameter.isSecret { words += ", secret" }
            if let value = parameter.shownDefault { words += " = \(value)" }
            if let range = parameter.range { words += " (\(range))" }
            if let description = parameter.description { words += ": \(description)" }
            lines.append(words)
        }
        return lines.map { TerminalText.clean($0) + "\n" }.joined()
    }
}

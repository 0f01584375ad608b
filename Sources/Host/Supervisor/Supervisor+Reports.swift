internal import HostCore
internal import HostSystem

/// What is known of a worker's death, beyond how its process ended.
struct Autopsy {
    /// The thread that got the signal, by the kernel's id; 0: not known.
    var thread: Int32 = 0
    /// That signal; 0 when none came.
    var signal: Int32 = 0
    /// The plugin's innermost frame.
    var frame: String?
    /// What happened, in the backtracer's words.
    var text: String?
    /// Why the worker ended itself; empty when it did not.
    var words = ""
    /// The report's temporary name, if there is one.
    var report: String?
}

/// Crash reports: from a dead worker to the record, and the files that are kept.
extension Supervisor {
    /// Reports that are kept of each plugin.
    private static let mostReports = 20

    /// The path by which a worker's backtracer reaches a report that it is to write. A comma ends a path in the
    /// runtime's settings, so a directory with one in its path is reached by our descriptor of it.
    func reportPlace(_ name: String) -> String {
        let path = HostProcess.absolute(state.reports.child(name))
        return path.contains(",") ? "/proc/\(HostProcess.pid)/fd/\(state.reports.descriptor.raw)/\(name)" : path
    }

    /// Reads what a dead worker left: its crash page and its report.
    func examine(_ worker: WorkerLink) -> Autopsy {
        var autopsy = Autopsy()
        let page = worker.crash
        autopsy.thread = page?.thread ?? 0
        autopsy.signal = page?.signal ?? 0
        autopsy.words = page?.words ?? ""
        var report: CrashReport?
        if options.keepsReports, let file = try? state.reports.openForReading(worker.reportName) {
            report = (try? file.readAll(limit: CrashReport.limit, subject: worker.reportName)).flatMap(CrashReport.init)
            if report == nil {
                try? state.reports.remove(worker.reportName)
            } else {
                autopsy.report = worker.reportName
            }
        }
        autopsy.text = report?.description.map { String($0.prefix(500)) }
        autopsy.frame = CrashFrame.top(report, named(page?.frames ?? [], worker))
        return autopsy
    }

    /// The page's frames, those in plugins' files with their functions' names; the innermost of them with its line.
    private func named(_ frames: [CrashPage.Frame], _ worker: WorkerLink) -> [CrashFrame.Named] {
        var names = frames.map { (image: $0.image, symbol: String?.none, place: String?.none) }
        for number in worker.loaded.union(worker.loading) {
            guard let path = plugins[number]?.loadPath else { continue }
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let image = String(parts.last ?? "")
            let mine = frames.indices.filter { frames[$0].image == image }
            let folder = parts.dropLast().joined(separator: "/")
            guard !mine.isEmpty, let directory = try? Directory(folder.isEmpty ? "/" : folder),
                let file = try? directory.openForReading(image, followLink: true)
            else { continue }
            let symbols = FunctionNames.names(at: mine.map { frames[$0].offset }, in: file)
            for (index, symbol) in zip(mine, symbols) { names[index].symbol = symbol }
            if let top = mine.first(where: { names[$0].symbol != nil }) {
                names[top].place = SourceLines.places(at: [frames[top].offset], in: file).first ?? nil
            }
        }
        return names
    }

    /// Gives a report its lasting name, that of its plugin and session, and removes the plugin's oldest beyond the
    /// newest 20; returns the name, or nil when there is no report.
    func keepReport(_ autopsy: Autopsy, of plugin: String, session: SessionID) -> String? {
        guard let temporary = autopsy.report else { return nil }
        let name = "\(plugin)@\(session).json"  // no plugin's name has an @
        do throws(SystemError) {
            try state.reports.rename(temporary, to: name)
            let kept = try state.reports.names().filter { $0.hasPrefix(plugin + "@") }
            for old in kept.dropLast(Self.mostReports) { try state.reports.remove(old) }
        } catch {
            log.write(.warning, plugin, "its crash report is lost: \(error)")
            return nil
        }
        return name
    }

    /// Removes a report that no record names.
    func dropReport(_ autopsy: Autopsy) {
        if let report = autopsy.report { try? state.reports.remove(report) }
    }

    /// Removes the reports that a dead host left without a record.
    func sweepReports() {
        for name in (try? state.reports.names()) ?? [] where !name.contains("@") { try? state.reports.remove(name) }
    }
}

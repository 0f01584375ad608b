public import HostInspection
internal import HostPolicy
public import HostSystem
public import HostValues
internal import HostWire

/// Inspects plugins without running their routines, for `list` and `check`. Each file is opened in a worker of its own.
public enum PluginProbe {
    /// The result of inspecting a file.
    public enum Finding: Sendable {
        /// The file is a plugin.
        case plugin(PluginFile, PluginDescription)
        /// The file was refused; the text says why in one line and names the file.
        case refused(String)
        /// The file is a library without a plugin. That is no fault if a plugin in the directory needs it.
        case library(String)
    }

    /// The names of the libraries that the plugins of a directory need, directly or through each other, and the other
    /// names of those libraries in the directory.
    public static func neededLibraries(
        in directory: borrowing Directory, _ names: [String], allowUnsafePermissions: Bool
    ) -> Set<String> {
        var needed: Set<String> = []
        for name in names {
            guard
                let file = try? PluginFile.inspect(
                    directory, name: name, allowUnsafePermissions: allowUnsafePermissions)
            else { continue }
            needed.formUnion(Libraries(of: file, in: directory, allowUnsafePermissions: allowUnsafePermissions).wanted)
        }
        let others = names.filter { name in
            let library = try? Candidate(directory, name: name, allowUnsafePermissions: allowUnsafePermissions)
            return library?.ownName.map { needed.contains($0) && (try? directory.status($0)) != nil } ?? false
        }
        return needed.union(others)
    }

    /// How long a worker may take to open a file, in ns.
    private static let timeout: Int64 = 10_000_000_000

    /// Inspects one file of a directory.
    public static func look(
        at name: String, in directory: borrowing Directory, allowUnsafePermissions: Bool, clock: any HostClock
    ) throws(SystemError) -> Finding {
        let file: PluginFile
        do throws(Refusal) {
            file = try PluginFile.inspect(directory, name: name, allowUnsafePermissions: allowUnsafePermissions)
        } catch {
            return error.reason == .noNote ? .library("\(error)") : .refused("\(error)")
        }
        let path = directory.child(name)
        switch try describe(
            path: path.contains("/") ? path : "./" + path, file: file, in: directory.path, clock: clock)
        {
        case .success(let description): return .plugin(file, description)
        case .failure(let fault): return .refused("\(path): \(fault.text)")
        }
    }

    private struct Fault: Error {
        let text: String
    }

    private static func describe(
        path: String, file: PluginFile, in folder: String, clock: any HostClock
    ) throws(SystemError) -> Result<PluginDescription, Fault> {
        let loop = try EventLoop(clock: clock)
        var result: Result<PluginDescription, Fault>?
        var link: WorkerLink?
        var setup = WorkerLink.Setup(
            name: file.name, ledgerName: "", crashReport: nil,
            logLevel: LogLevel.critical.number, limits: WorkerLimits(),
            libraries: LibraryPath.search(for: file, in: folder))
        ProbeSandbox.confine(&setup, file: file, in: folder)
        let worker = try WorkerLink(
            setup, ledger: try WorkerLedger(), loop: loop, clock: clock
        ) { report in
            switch report {
            case .event(.described(_, let description)): result = result ?? .success(description)
            case .event(.refused(_, _, let text)): result = result ?? .failure(Fault(text: text))
            case .died(let end):
                result = result ?? .failure(Fault(text: "its worker died while opening it: \(end)"))
                loop.stop()
            case .event, .output, .flood, .channelAbused, .garbage, .left, .stuck: break
            }
            if result != nil { link?.signal(Signals.kill) }
        }
        link = worker
        worker.send(
            .load(
                WorkerCommand.Load(
                    plugin: 0, path: path, name: file.name, parameters: "{}", isForRunning: false, build: file.buildID))
        )
        let deadline = clock.monotonic() + timeout
        try loop.run { now in
            guard now >= deadline, result == nil else { return result == nil ? deadline : .never }
            result = .failure(Fault(text: "opening it takes longer than \(timeout / 1_000_000_000) s"))
            worker.signal(Signals.kill)
            return .never
        }
        return result ?? .failure(Fault(text: "no answer"))
    }
}

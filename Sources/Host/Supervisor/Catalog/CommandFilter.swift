internal import HostInspection
internal import HostPolicy
internal import HostValues

/// Removes the commands that the host would run from configuration files that other users can write. Such files are read
/// only with `--allow-unsafe-permissions`; but their commands would run as the host's user, outside of any sandbox.
///
/// Each file is logged once.
final class CommandFilter {
    private let log: (any LogSink)?
    private var logged: Set<String> = []

    init(_ log: (any LogSink)?) { self.log = log }

    /// Calls `remove`, which removes the commands and returns the keys that named some, if other users can write the
    /// file.
    func apply(to content: ConfigurationFiles.Content, at path: String, remove: () -> [SettingKey]) {
        guard let fault = content.fault else { return }
        let removed = Set(remove().map(\.rawValue)).sorted()
        guard !removed.isEmpty, logged.insert(path).inserted else { return }
        log?.write(.warning, "", "\(path): the commands of \(Spelling.list(removed)) are not run: \(fault.text("it"))")
    }
}

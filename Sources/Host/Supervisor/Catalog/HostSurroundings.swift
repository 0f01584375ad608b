public import HostPolicy
internal import HostSystem
internal import HostValues

/// The surroundings that configurations may refer to: this process's environment, files, and the credentials from its
/// service manager.
public enum HostSurroundings {
    /// The largest file that is read, in bytes.
    private static let mostBytes = 64 << 10

    /// The directory with the credentials from the service manager, if there is one.
    static var credentials: [String] {
        HostProcess.environment("CREDENTIALS_DIRECTORY").map { $0.isEmpty ? [] : [$0] } ?? []
    }

    /// Looks a reference up. If it cannot be resolved, the answer says what is missing and how to provide it.
    public static func lookUp(_ reference: Surrounding, from file: String) -> Surrounding.Answer {
        switch reference {
        case .environment(let name, let fallback):
            if let value = HostProcess.environment(name), !value.isEmpty || fallback == nil { return .text(value) }
            if let fallback { return .text(fallback) }
            return .absent(
                "the host's environment has no \(name): set it where the host is started, or write "
                    + "${env:\(name):-default}")
        case .file(let path):
            let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            return content(path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path)
        case .credential(let name):
            guard let folder = HostProcess.environment("CREDENTIALS_DIRECTORY"), !folder.isEmpty else {
                return .absent(
                    "there is no credential \(name): the host's environment has no CREDENTIALS_DIRECTORY; systemd sets it "
                        + "for a service with LoadCredential=\(name):FILE")
            }
            return content(folder + "/" + name)
        }
    }

    /// A file's text without its trailing line breaks.
    private static func content(_ path: String) -> Surrounding.Answer {
        let (folder, name) = Directory.split(path)
        do throws(SystemError) {
            let directory = try Directory(folder)
            let descriptor = try directory.openForReading(name, followLink: true)
            var bytes = try descriptor.readAll(limit: mostBytes, subject: path)
            while bytes.last == 0x0A || bytes.last == 0x0D { bytes.removeLast() }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .absent("\(path) is no text: its bytes are not UTF-8")
            }
            return .text(text)
        } catch {
            return .absent("\(error)")
        }
    }
}

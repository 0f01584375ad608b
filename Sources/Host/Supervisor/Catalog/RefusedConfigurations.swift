internal import HostPolicy
internal import HostValues
internal import HostWire

/// The configuration files that are refused, each from the read that found a mistake to one that finds none.
///
/// What is known of a plugin's file is in the plugin's entries, with which it goes.
struct RefusedConfigurations {
    /// The host's own file, if it is refused.
    private(set) var host: HostStatus.RefusedConfiguration?

    /// Reads the host's file, and notes whether it is refused.
    mutating func host<Answer>(_ file: String, read: () throws -> Answer) throws -> Answer {
        do {
            let answer = try read()
            host = nil
            return answer
        } catch {
            host = HostStatus.RefusedConfiguration(error, of: nil, else: file)
            throw error
        }
    }

    /// Reads the configuration of the plugin with that id, and notes in its entries, one for each instance, whether it is
    /// refused. `file` is the plugin's own.
    static func plugin<Answer>(
        _ id: String, _ file: String, _ entries: [PluginEntry], read: () throws -> Answer
    ) throws -> Answer {
        var refused: HostStatus.RefusedConfiguration?
        defer { for entry in entries { entry.refused = refused } }
        do { return try read() } catch {
            refused = HostStatus.RefusedConfiguration(error, of: id, else: file)
            throw error
        }
    }

    /// All that are refused, the host's first, and each plugin's once.
    func all(of entries: some Sequence<PluginEntry>) -> [HostStatus.RefusedConfiguration] {
        var plugins: [String: HostStatus.RefusedConfiguration] = [:]
        for entry in entries where !entry.isRetiring {
            guard var refused = entry.refused, let id = refused.plugin else { continue }
            refused.keepsFormer = entry.isReady || plugins[id]?.keepsFormer ?? false
            plugins[id] = refused
        }
        let sorted = plugins.sorted { NaturalOrder.precedes($0.key, $1.key) }.map(\.value)
        return (host.map { [$0] } ?? []) + sorted
    }
}

extension HostStatus.RefusedConfiguration {
    /// Describes the file that an error names; one that names none is about `file`.
    fileprivate init(_ error: any Error, of plugin: String?, else file: String) {
        let named = (error as? ConfigurationError)?.problems.first?.file
        self.init(file: named ?? file, plugin: plugin, why: "\(error)".replacing("\n", with: "; "))
    }
}

internal import HostPolicy

/// Reference entries for keys that contain other keys and are not settings themselves.
enum ContainerReference {
    /// The entry of a container.
    static func entry(_ container: SettingContainer) -> ConfigurationEntry {
        func object(
            _ places: [ConfigurationPlace], _ text: String, _ example: String, builtIn: String = "{}"
        ) -> ConfigurationEntry {
            ConfigurationEntry(
                key: container.rawValue, group: nil, form: .object, builtIn: builtIn, places: places, text: text,
                example: example)
        }
        switch container {
        case .params:
            return object(
                [.descriptor("parameters"), .pluginFile, .routine],
                "The values of the plugin's own parameters by name, to tell it what to do; schedhost list shows which there "
                    + "are, with their types, ranges and defaults. A text may have ${env:NAME}, ${env:NAME:-default}, ${file:PATH} "
                    + "and ${credential:NAME} in it, which the host replaces before it checks the types.",
                "params: { symbol: \"ETH-USD\" }", builtIn: "the plugin's own")
        case .routines:
            return object(
                [.pluginFile],
                "Settings of single routines by name, which win over those of their plugin, for a routine that is to run "
                    + "differently from the others.",
                "routines: { snapshot: { max_cycles: 1000 } }")
        case .instances:
            return object(
                [.pluginFile],
                "Several instances of one plugin by name, each with settings of its own laid over the plugin's, to run one "
                    + "file for many accounts or markets: instance btc of market is market@btc, with its own worker, caches "
                    + "and records.",
                "instances: { btc: { params: { symbol: \"BTC\" } }, eth: { wait_ms: 1000 } }",
                builtIn: "none (the plugin runs once, as itself)")
        case .sandboxLimit:
            return object(
                [.hostFile],
                "What plugins' own files may allow in sandbox {} at most, by the same keys, where others than the operator write "
                    + "these files. Paths are compared part by part, and where their links lead when a worker starts.",
                "sandbox_limit: { level: \"on\", write: [\"/srv\"], syscalls: [] }", builtIn: "{} (no limit)")
        case .sandboxUsers:
            return ConfigurationEntry(
                key: container.rawValue, group: nil, form: .users, builtIn: "none (all run as the host's user)",
                places: [.hostFile],
                text:
                    "Where the host runs as root: the user ids from which each plugin gets one of its own, for good, so that "
                    + "plugins are kept apart by their users too, also with sandbox: \"off\".",
                example: "sandbox_users: \"2100000000-2100065535\"")
        case .plugins:
            return object(
                [.hostFile],
                "Settings of single plugins by id, as their own files have them (which win over these), to keep all "
                    + "settings in one file.",
                "plugins: { \"market-poller\": { wait_ms: 2000 } }")
        }
    }
}

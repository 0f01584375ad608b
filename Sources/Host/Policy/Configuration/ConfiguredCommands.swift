/// The commands that a configuration has the host run.
extension PluginConfiguration {
    /// Removes the commands of the plugin, its routines and its instances; returns the keys that named some.
    public mutating func removeCommands() -> [SettingKey] {
        var removed = layer.removeCommands()
        for name in routines.keys { removed += routines[name]?.layer.removeCommands() ?? [] }
        for name in instances.keys { removed += instances[name]?.configuration.removeCommands() ?? [] }
        return removed
    }
}

extension HostConfiguration {
    /// Removes the commands for all plugins and those in the blocks of plugins; returns the keys that named some.
    public mutating func removeCommands() -> [SettingKey] {
        var removed = layer.removeCommands()
        for name in plugins.keys { removed += plugins[name]?.removeCommands() ?? [] }
        return removed
    }
}

extension ConfigurationLayer {
    fileprivate mutating func removeCommands() -> [SettingKey] {
        let commands = settings.keys.filter(\.isCommand)
        for key in commands { settings[key] = nil }
        return commands
    }
}

extension SettingKey {
    /// Whether its value is a command that the host runs.
    var isCommand: Bool { if case .command = shape { true } else { false } }
}

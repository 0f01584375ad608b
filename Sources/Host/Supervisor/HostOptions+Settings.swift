internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What of the options concerns each component.
extension PluginCatalog.Settings {
    init(_ options: HostOptions) {
        self.init(
            configuration: options.configuration, overrides: options.overrides,
            plugins: HostProcess.absolute(options.plugins), state: HostProcess.absolute(options.state),
            sandbox: SandboxMaker.support)
    }
}

extension ControlDesk.Settings {
    init(_ options: HostOptions) {
        self.init(
            state: options.state, listen: options.listen, listensAnywhere: options.listensAnywhere,
            metricsFile: options.metricsFile,
            showsProgress: StandardStream.error.isTerminal && options.logFormat == .text)
    }
}

extension HostProcess {
    /// Prepares this process for the life of a host.
    static func becomeHost() {
        Signals.ignoreBrokenPipes()
        HostProcess.raiseOpenFiles()
        HostProcess.keepLittleFreeMemory()  // what many routines take when they begin
        // Swift's handler returns from a SIGABRT that somebody else sent, such as systemd's watchdog: to be killed by it
        // is what is meant.
        Signals.restoreDefault(Signals.abort)
    }
}

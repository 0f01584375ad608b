internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The parts of the options that concern each component.
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
            listenNames: options.listenNames, metricsFile: options.metricsFile,
            showsProgress: StandardStream.error.isTerminal && options.logFormat == .text)
    }
}

extension HostProcess {
    /// Prepares this process for running a host.
    static func becomeHost() {
        Signals.ignoreBrokenPipes()
        HostProcess.raiseOpenFiles()
        HostProcess.keepLittleFreeMemory()  // routines take much memory while they begin
        // Swift's handler returns from a SIGABRT that another process has sent, such as systemd's watchdog, which means
        // to kill.
        Signals.restoreDefault(Signals.abort)
    }
}

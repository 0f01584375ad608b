internal import HostCore
internal import HostSystem

/// Operating the host: the sockets by which it is asked, and their end.
extension Supervisor {
    /// The control socket's name in the state directory.
    public static let controlName = "control.sock"

    /// Opens what the host is asked by. A failure is said, and the host runs on.
    func startOperating() throws {
        operation.startMs = clock.wall() / 1_000_000
        operation.startBoot = clock.boot()
        do throws(SystemError) {
            operation.control = try SocketServer(
                try UnixSocket.listen(state.directory, name: Self.controlName), loop: loop, deadlines: deadlines,
                clock: clock, bounds: SocketServer.Bounds()
            ) { [unowned self] socket in converse(socket) }
        } catch {
            log.write(.error, "", "no control socket, so status and the like cannot be had: \(error)")
        }
        beginNotifying()
        beginProgress()
        if let address = options.listen { try listen(address) }
        if let path = options.metricsFile { try beginMetricsFile(path) }
    }

    /// Only who runs the host, and root, may ask: beside the file's mode, since a descriptor can be handed on.
    private func converse(_ socket: borrowing Descriptor) -> (any SocketConversation)? {
        guard let user = try? socket.peerUser(), user == HostProcess.user || user == 0 else { return nil }
        return ControlConversation { [unowned self] request in answer(request) }
    }

    /// What follows from what happened in this round of the loop. Costs nothing where nobody is to be told.
    func settleOperating() {
        guard hasNewTallies || operation.manager?.hasSaidReady == false || isStopping else { return }
        notify()
        lookForProgress()
    }

    /// Closes what `startOperating` opened.
    func stopOperating() {
        log.footer = ""
        operation.control?.close()
        operation.control = nil
        operation.web?.close()
        operation.web = nil
        if operation.metricsFile != nil { writeMetricsFile() }
        try? state.directory.remove(Self.controlName)
    }
}

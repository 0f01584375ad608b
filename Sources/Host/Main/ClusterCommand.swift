internal import HostCommandLine
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `cluster`: shows the hosts of a running host's cluster, and who holds what, or changes that.
enum ClusterCommand {
    static func perform(_ options: ClusterOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        switch options.action {
        case .show: return try show(client, isJSON: options.isJSON)
        case .undrain: return try OperateCommand.perform(order(.undrain, options))
        case .move: return try OperateCommand.perform(order(.move, options))
        case .drain:
            let answer = try OperateCommand.perform(order(.drain, options))
            if answer == .success { try awaitHandover(client) }
            return answer
        }
    }

    private static func order(_ action: ControlRequest.Action, _ options: ClusterOptions) -> OperateOptions {
        var order = OperateOptions(action)
        order.identifiers = options.identifiers
        order.heir = options.heir
        order.state = options.state
        order.isJSON = options.isJSON
        return order
    }

    private static func show(_ client: HostClient, isJSON: Bool) throws -> ExitStatus {
        guard let cluster = try client.status().cluster else {
            Complaint.say(
                "this host is in no cluster: cluster: { store: \"redis-store\" } in schedhost.json5 would be one")
            return .failure
        }
        if isJSON {
            var writer = JSONWriter()
            writer.open()
            cluster.write(to: &writer)
            writer.close()
            StandardStream.output.write(writer.bytes + [UInt8(ascii: "\n")])
        } else {
            StandardStream.output.write(ClusterTable.text(cluster))
        }
        return .success
    }

    /// Waits until the host holds no lease any more, or is not drained any more.
    private static func awaitHandover(_ client: HostClient) throws {
        let nothing = try Poller()
        while let cluster = try client.status().cluster, cluster.isDraining, cluster.held > 0 {
            _ = try nothing.wait(milliseconds: 100) { _, _ in }
        }
    }
}

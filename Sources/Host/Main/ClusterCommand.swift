internal import HostCommandLine
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `cluster`: shows the hosts of a running host's cluster, and who holds what.
enum ClusterCommand {
    static func perform(_ options: ClientOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        guard let cluster = try client.status().cluster else {
            Complaint.say(
                "this host is in no cluster: cluster: { store: \"redis-store\" } in schedhost.json5 would be one")
            return .failure
        }
        if options.isJSON {
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
}

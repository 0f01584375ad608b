internal import HostCluster
internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// Performs people's orders about the cluster: that a host gives its leases back, all of them or some.
struct ClusterOrders {
    let membership: Membership
    /// Keeps in the state directory whether the host is drained.
    let keep: (Bool) throws -> Void

    /// Performs an order; those that do not concern the cluster are ignored.
    func perform(_ order: ControlRequest) -> ControlResponse {
        if membership.isStopping { return .failed("the host is stopping") }
        switch order.action {
        case .drain: return drain(true)
        case .undrain: return drain(false)
        case .move: return move(order.identifiers, to: order.heir)
        case .status, .runNow, .pause, .resume, .restart, .stop, .reload, .logLevel, .dropCached, .logs, .fleet,
            .clearShared:
            return .outcomes([])
        }
    }

    private func outcome(_ isDone: Bool, _ text: String, of id: String = "") -> ControlResponse.Outcome {
        membership.note(id, text)
        return ControlResponse.Outcome(id: id, isDone: isDone, text: text)
    }

    // MARK: Draining

    private func drain(_ isDrained: Bool) -> ControlResponse {
        var text: String
        if membership.keeper.isDraining == isDrained {
            text = isDrained ? "this host was drained already" : "this host was not drained"
        } else {
            let held = membership.keeper.overview.held
            text =
                isDrained
                ? "this host gives back \(held == 1 ? "its lease" : "its \(held) leases"), and takes none until: schedhost "
                    + "cluster undrain" : "this host takes leases again"
            membership.keeper.set(isDrained ? .draining : .serving)
        }
        // Kept before the answer, so that the person can rely on it even if this host dies.
        do {
            try keep(isDrained)
            return .outcomes([outcome(true, text)])
        } catch {
            text += "; but the next host will not know of it: \(error)"
            return .outcomes([outcome(false, text)])
        }
    }

    // MARK: Moving

    private func move(_ identifiers: [String], to heir: String?) -> ControlResponse {
        let overview = membership.keeper.overview
        do {
            let chosen = try RoutineSelection.resolve(identifiers, among: overview.claims.map(\.name.description))
            // Who can hold nothing has nothing to give, and what it knows of others is old, or it has read of none at all.
            if let why = membership.keeper.hindrance { return .failed("nothing can be moved now: \(why)") }
            let host = try heir.map { try Self.host(called: $0, in: overview) }
            if host == nil, !overview.hosts.contains(where: { $0.id != overview.own && Self.takes($0) }) {
                return .failed("there is no other host that would take it")
            }
            return .outcomes(chosen.map { identifier in move(identifier, to: host, overview) })
        } catch {
            return .failed("\(error)")
        }
    }

    /// A host that leases cannot be moved to.
    private struct Unfit: Error, CustomStringConvertible {
        let description: String
    }

    private static func takes(_ host: ClusterOverview.Host) -> Bool { host.weight > 0 && !host.isDraining }

    private static func host(called text: String, in overview: ClusterOverview) throws(Unfit) -> HostID {
        let found = overview.hosts(called: text)
        guard let host = found.first else {
            let names = overview.hosts.map { overview.name(of: $0.id) }
            throw Unfit(
                description:
                    "there is no host \(Spelling.quoted(text))\(Spelling.suggestion(for: text, in: names)): the hosts "
                    + "are \(names.prefix(8).joined(separator: ", "))")
        }
        if found.count > 1 {
            throw Unfit(description: "\(found.count) hosts are called \(Spelling.quoted(text)): name one by its id")
        }
        if host.id == overview.own { throw Unfit(description: "\(text) is this host") }
        if host.isDraining { throw Unfit(description: "\(text) is drained: it takes nothing") }
        if host.weight == 0 { throw Unfit(description: "\(text) has the weight 0: it takes nothing") }
        return host.id
    }

    private func move(_ identifier: String, to host: HostID?, _ overview: ClusterOverview) -> ControlResponse.Outcome {
        guard let claim = overview.claims.first(where: { $0.name.description == identifier }) else {
            return outcome(false, "it is not known any more", of: identifier)
        }
        guard claim.isHeldHere else {
            let holder = claim.holder.map { overview.name(of: $0) }
            return outcome(
                false, holder.map { "host \($0) has its lease: move it from there" } ?? "nobody has its lease",
                of: identifier)
        }
        membership.keeper.giveUp(claim.name, .move, bar: membership.keeper.length * 3, to: host)
        return outcome(
            true, "it goes to \(host.map { "host \(overview.name(of: $0))" } ?? "another host")", of: identifier)
    }
}

import HostValues
import HostWire
import Testing

/// What all hosts run crosses the control socket as it was.
@Suite struct FleetStatusTests {
    static let fleet: FleetStatus = {
        var fleet = FleetStatus(name: "prod", store: "redis-store", leaseMs: 10_000)
        (fleet.trouble, fleet.ageMs, fleet.epoch) = ("the store is not connected", 12, 3)
        (fleet.unreadable, fleet.isCut) = (4, true)
        var host = FleetStatus.Host(id: "0a", name: "a", isOwn: true, state: .draining)
        (host.sinceMs, host.silentMs, host.version, host.weight) = (5, 6, "1", 100)
        (host.leases, host.routines, host.running, host.quarantined) = (1, 2, 3, 4)
        (host.startMs, host.skewMs) = (7, -8)
        host.sessions = [
            .init(routine: "p/r#3", session: "s1", startMs: 9, token: 10),
            .init(routine: "p/s", session: "s2", startMs: 9, token: nil),
        ]
        fleet.hosts = [host, FleetStatus.Host(id: "0b", name: "b", isOwn: false, state: .gone)]
        fleet.claims = [
            .init(id: "p/r#3", holder: "0a", token: 10, sinceMs: 11, leftMs: 12),
            .init(id: "p/s", holder: nil, token: 1, sinceMs: 0, leftMs: nil),
        ]
        var record = SessionRecord(
            session: SessionID(rawValue: 9), plugin: "p", routine: "r#3", host: "a", startMs: 1, finishMs: 2,
            durationMs: 1, cycles: 5, reason: .init(.crash, text: "x"), leaseToken: 10, shard: RoutineShard(3, of: 4))
        record.hostID = "0a"
        fleet.records = [record]
        return fleet
    }()

    @Test(arguments: [
        FleetAnswer.reading(7), .status(fleet), .status(FleetStatus(name: "", store: "", leaseMs: 0)),
    ])
    func itIsReadAsItWasWritten(answer: FleetAnswer) {
        #expect(ControlResponse(line: ControlResponse.fleet(answer).line()) == .fleet(answer))
    }

    @Test func aRequestSaysWhatItWaitsFor() throws {
        var request = ControlRequest(.fleet)
        (request.last, request.after) = (100, 7)
        #expect(try ControlRequest(line: Array(request.line().dropLast())) == request)
    }
}

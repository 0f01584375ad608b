import HostSystem
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostCluster
@testable import HostSupervisor

/// What people are shown of hosts, from what was read and what a member knows by itself.
@Suite struct FleetPictureTests {
    private static let second: Int64 = 1_000_000_000
    private static let now = BootTime(nanoseconds: 100 * second)
    private static let ids = (1...6).map { HostID(high: $0 << 60, low: 1) }

    private func member(_ name: String, isDraining: Bool = false) -> HostRecord {
        HostRecord(
            incarnation: Incarnation(rawValue: 1), beat: 1, name: name, pid: 1, boot: "b", version: "1", weight: 50,
            isDraining: isDraining, leases: 2, settled: 0, leaseMs: 10_000)
    }

    private func report(_ name: String, _ mode: HostReport.Mode) -> HostReport {
        var report = HostReport(
            name: name, pid: 1, version: "1", startMs: 5, mode: mode, modeMs: 6, wroteMs: 7, routines: 8, running: 3,
            quarantined: 1)
        report.sessions = [.init(routine: "p/r", session: SessionID(rawValue: 9), startMs: 4, token: 11)]
        return report
    }

    /// A member that has read these hosts at these times, and these claims.
    private func overview(_ hosts: [HostID: (HostRecord, since: BootTime)]) -> ClusterOverview {
        var member = ClusterMember(
            HostIdentity(id: Self.ids[0], name: "a", pid: 1, boot: "b", version: "1", seed: 1),
            length: 10 * Self.second, weight: 100)
        _ = member.handle(.up(StoreLink(instance: "i", most: 64)), at: 0, wall: 0)
        for time in Set(hosts.values.map(\.since)).sorted() {
            let found = hosts.filter { $0.value.since <= time }.map {
                StoreAnswer.Entry(key: ClusterKey.host($0.key), version: 1, value: $0.value.0.bytes)
            }
            member.view.take(
                found, of: MemberRequests.survey,
                by: MemberRequests(host: Self.ids[0], incarnation: Incarnation(rawValue: 1)), isWanted: { _ in true },
                at: time)
        }
        return member.overview
    }

    private func picture(_ view: FleetView?, _ overview: ClusterOverview) -> FleetPicture {
        FleetPicture(
            view: view, overview: overview,
            lease: LeaseTimes(start: Self.now - 4 * Self.second, length: 12 * Self.second),
            length: 10 * Self.second, mode: .serving, now: Self.now)
    }

    @Test func aHostIsWhatItSaysAndWhetherItStillDoes() throws {
        var view = FleetView(readAt: Self.now - 1_000_000)
        view.hosts = [
            Self.ids[0]: .init(member: member("a"), isMember: true, report: report("a", .left)),
            Self.ids[1]: .init(member: member("b", isDraining: true), isMember: true, report: report("b", .draining)),
            Self.ids[2]: .init(member: member("c"), isMember: true, report: report("c", .serving)),
            Self.ids[3]: .init(report: report("d", .left)),
            Self.ids[4]: .init(report: report("d", .serving)),
            Self.ids[5]: .init(member: nil, isMember: true),
        ]
        let overview = overview([
            Self.ids[0]: (member("a"), since: Self.now), Self.ids[1]: (member("b"), since: Self.now - Self.second),
            Self.ids[2]: (member("c"), since: Self.now - 6 * Self.second),
        ])
        let hosts = picture(view, overview).status(name: "n", store: "s", records: 0).hosts
        func host(_ number: Int) throws -> FleetStatus.Host {
            try #require(hosts.first { $0.id == Self.ids[number].description })
        }
        #expect(try host(0).state == .serving && host(0).isOwn && host(0).name == "a", "its last life's report is old")
        #expect(try host(1).state == .draining && host(1).sinceMs == 6 && host(1).silentMs == 1000)
        #expect(try host(1).weight == 50 && host(1).leases == 2 && host(1).running == 3 && host(1).sessions.count == 1)
        #expect(try host(2).state == .silent && host(2).silentMs == 6000 && host(2).sinceMs == nil)
        #expect(try host(3).state == .left && host(3).sinceMs == 6 && host(3).silentMs == nil)
        #expect(try host(4).state == .gone && host(4).sinceMs == 7 && host(4).running == 0 && host(4).sessions == [])
        #expect(try host(3).name == "d (40000000)" && host(4).name == "d (50000000)")
        #expect(try host(5).state == .serving && host(5).name == host(5).id)
    }

    @Test func withoutAViewThereIsWhatTheMemberKnows() throws {
        let overview = overview([
            Self.ids[0]: (member("a"), since: Self.now), Self.ids[1]: (member("b"), since: Self.now),
        ])
        let status = picture(nil, overview).status(name: "n", store: "s", records: 5)
        #expect(status.ageMs == nil && status.hosts.map(\.name) == ["a", "b"] && status.records == [])
        #expect(status.hosts.allSatisfy { $0.state == .serving && $0.silentMs == 0 && $0.startMs == nil })
        // An old view says who was there, and not who is.
        var view = FleetView(readAt: Self.now - 60 * Self.second)
        view.hosts = [Self.ids[2]: .init(member: member("c"), isMember: true, report: report("c", .serving))]
        let old = picture(view, overview).status(name: "n", store: "s", records: 5)
        #expect(old.ageMs == 60_000 && old.hosts.map(\.state) == [.serving, .serving, .gone])
    }

    @Test func aClaimSaysWhoHasItAndForHowLong() throws {
        func claim(_ host: HostID?, _ token: UInt64) -> ClaimRecord {
            ClaimRecord(host: host, incarnation: Incarnation(rawValue: 1), token: token, sinceMs: 3, settled: 0)
        }
        var view = FleetView(readAt: Self.now)
        view.claims = [
            ClaimName(plugin: "p", routine: "r", shard: 10): claim(Self.ids[0], 7),
            ClaimName(plugin: "p", routine: "r", shard: 9): claim(Self.ids[1], 8),
            ClaimName(plugin: "p", routine: "s"): claim(nil, 9),
            ClaimName(plugin: "p", routine: "t"): claim(Self.ids[5], 1),
        ]
        let overview = overview([
            Self.ids[0]: (member("a"), since: Self.now), Self.ids[1]: (member("b"), since: Self.now - 3 * Self.second),
        ])
        let claims = picture(view, overview).status(name: "n", store: "s", records: 0).claims
        #expect(claims.map(\.id) == ["p/r#9", "p/r#10", "p/s", "p/t"])
        #expect(claims.map(\.token) == [8, 7, 9, 1])
        #expect(claims.map(\.leftMs) == [7000, 6000, nil, nil], "of whom nothing is known, nothing is said")
        #expect(claims[2].holder == nil && claims[3].holder == Self.ids[5].description)
    }

    @Test func theNewestRecordsAreShown() {
        var view = FleetView(readAt: Self.now)
        view.records = [5, 1, 4, 2].map { number in
            SessionRecord(
                session: SessionID(rawValue: number), plugin: "p", routine: "r", startMs: 1, finishMs: Int64(number),
                durationMs: 1, cycles: 5, reason: .init(.maxCycles))
        }
        let records = picture(view, overview([:])).status(name: "n", store: "s", records: 3).records
        #expect(records.map(\.finishMs) == [2, 4, 5])
    }
}

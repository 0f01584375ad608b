import HostTestKit
import Testing

@testable import HostCluster

/// What the random walk of `Model` finds: nothing with all rules, and something with any of them taken away.
@Suite struct LeaseModelTests {
    static let seeds = Rounds.optimised(200, plain: 6)

    /// No two runs are alike: more hosts, more claims, less room in a commit, more faults, spread claims that move.
    static func options(_ seed: Int) -> ModelOptions {
        var options = ModelOptions()
        options.seconds = Rounds.isOptimised ? 600 : 200
        options.hosts = 2 + seed % 4
        options.claims = [1, 2, 3, 9][seed / 4 % 4]
        options.mostConditions = seed % 3 == 0 ? 4 : 64
        options.gap = [1500, 4000, 15_000][seed / 2 % 3]
        options.wish = ClaimWish(isSpread: seed % 2 == 0, moves: seed % 5 == 0)
        return options
    }

    @Test(arguments: 0..<seeds) func noClaimIsHeldTwiceNoTokenGoesBackAndAllComesBack(seed: Int) {
        let result = Model(seed: seed, options: Self.options(seed)).run()
        #expect(result.violations.isEmpty, "seed \(seed): \(result.violations.prefix(3))")
        #expect(result.sessions > 5, "seed \(seed)")
    }

    /// A store that loses all beside hosts that have never seen it is left out: nothing is left then that says how long the
    /// others' leases are.
    @Test(arguments: 0..<seeds / 2) func hostsThatWantLeasesOfDifferentLengthsAgree(seed: Int) {
        var options = Self.options(seed)
        options.lengths = [[1, 3], [3, 1, 1], [1, 2, 4]][seed % 3]
        options.faults = options.faults.filter { $0 != .wipe && $0 != .flush }
        let result = Model(seed: seed, options: options).run()
        #expect(result.violations.isEmpty, "seed \(seed): \(result.violations.prefix(3))")
        #expect(result.sessions > 5, "seed \(seed)")
    }

    /// The surroundings in which each rule is needed.
    private static func surroundings(of rule: LeaseRule) -> ModelOptions {
        var options = ModelOptions()
        switch rule {
        case .settling, .epochBase, .recordedToken, .claimsInRenewal, .deathAfterLease, .killBeforeTakeover: break
        case .holderCondition:
            options.faults = [.crash, .crash, .stop, .pauseHost]
            options.gap = 1500
            options.claims = 6
            options.listing = 200
        case .sweptToken:
            options.faults = [.remove, .crash, .stop]
            options.gap = 1500
        case .unknownIsUndone: options.faults = [.unsure]
        case .ownRecordIsMine: options.lostAnswers = 20
        case .leaseFromSend:
            options.faults = [.lateAnswers]
            options.gap = 8000
            options.rate = 0.08
        case .earlierLifeWaits: options.hasClone = true
        case .strays:
            options.faults = [.rest, .rest, .rest, .failover, .failover, .stop]
            options.gap = 800
            options.claims = 9
            options.seconds = 200
        case .rebalance:
            options.faults = [.crash, .stop, .drain]
            options.wish = ClaimWish(moves: true)
            options.seconds = 200
        }
        return options
    }

    /// The number of the first run that finds something, of so many.
    private static func finding(_ options: ModelOptions, runs: Int) -> Int? {
        (0..<runs).first { !Model(seed: $0, options: options).run().violations.isEmpty }
    }

    @Test(.enabled(if: Rounds.isOptimised), arguments: LeaseRule.allCases) func eachRuleIsNeeded(rule: LeaseRule) throws
    {
        var options = Self.surroundings(of: rule)
        options.missing = rule
        let found = try #require(Self.finding(options, runs: 60), "nothing is found without \(rule)")
        options.missing = nil
        let result = Model(seed: found, options: options).run()
        #expect(result.violations.isEmpty, "with \(rule), seed \(found): \(result.violations.prefix(3))")
    }

    @Test(.enabled(if: Rounds.isOptimised), arguments: [DeadlineKeeper.worker, .supervisor])
    func onlyTheKernelKeepsTheDeadline(keeper: DeadlineKeeper) {
        var options = ModelOptions()
        options.keeper = keeper
        #expect(Self.finding(options, runs: 60) != nil)
    }

    @Test(.enabled(if: Rounds.isOptimised)) func clocksSevenPercentApartAreBorneAndFortyAreNot() {
        var options = ModelOptions()
        options.rate = 0.035
        #expect(Self.finding(options, runs: Self.seeds / 10) == nil)
        options.rate = 0.2
        #expect(Self.finding(options, runs: 60) != nil)
    }

    /// Crashes alone, for the default length: others take over when the lease is over and they have seen that, and the same
    /// host has its claims again at once.
    @Test(.enabled(if: Rounds.isOptimised)) func takeoverTakesALease() throws {
        var options = ModelOptions()
        options.lease = 10_000
        options.faults = [.crash]
        options.gap = 40_000
        options.seconds = 1200
        options.lostAnswers = 0
        let results = (0..<Self.seeds / 4).map { Model(seed: $0, options: options).run() }
        #expect(results.allSatisfy { $0.violations.isEmpty })
        let times = results.flatMap(\.takeovers).sorted()
        try #require(times.count > 10)
        #expect(times[0] > 8_000, "\(times.prefix(5))")
        #expect(times[times.count / 2] < 13_000, "\(times)")
    }
}

public import HostValues

/// Limits the bytes of records that each plugin may write, as a token bucket: an initial amount, then a rate. Pure.
///
/// The record files are limited in total, so a plugin whose sessions fail in quick succession would displace the
/// records of others. The sessions of a plugin that is over its budget are still recorded, but briefly: see
/// `SessionRecord.brief`.
public struct RecordBudget: Sendable {
    /// The bytes that a plugin may write at once. The value is less than half of the record files (five of 16 MiB), so
    /// that the others keep the larger part; a well-behaved plugin with large records does not reach it.
    public static let atOnce = 36 << 20
    /// The rate at which the budget refills, in bytes per second.
    public static let perSecond = 8 << 10

    private struct Account {
        var left: Int
        var asOf: MonotonicTime

        /// Adds what has been earned by that time, in whole bytes, so that frequent calls lose no fractions.
        mutating func earn(until now: MonotonicTime) {
            let earned = max(0, now - asOf) / (1_000_000_000 / Int64(perSecond))
            left = Int(min(Int64(atOnce), Int64(left) + min(earned, Int64(atOnce))))
            asOf += earned * (1_000_000_000 / Int64(perSecond))
        }
    }

    private var accounts: [String: Account] = [:]
    /// At how many accounts those are forgotten that have their whole budget, as plugins without an account do: there may be
    /// ever new names. It grows with those that stay, so that the cost for each record is constant.
    private var sweepAt = leastSwept
    private static let leastSwept = 256
    /// The number of plugins that are remembered.
    var accountCount: Int { accounts.count }

    /// Makes a budget of which nothing is used yet.
    public init() {}

    /// Takes bytes from a plugin's budget at that time. Returns false, and takes nothing, if the budget does not
    /// suffice.
    public mutating func take(_ bytes: Int, of plugin: String, at now: MonotonicTime) -> Bool {
        if accounts.count >= sweepAt { sweep(at: now) }
        var account = accounts[plugin] ?? Account(left: Self.atOnce, asOf: now)
        account.earn(until: now)
        let isEnough = bytes <= account.left
        if isEnough { account.left -= bytes }
        accounts[plugin] = account
        return isEnough
    }

    private mutating func sweep(at now: MonotonicTime) {
        accounts = accounts.filter { _, account in
            var account = account
            account.earn(until: now)
            return account.left < Self.atOnce
        }
        sweepAt = max(Self.leastSwept, accounts.count * 2)
    }
}

extension SessionRecord {
    /// An estimate of the size of the record's line in bytes, not less than the sizes of its texts.
    public var estimatedSize: Int {
        func size(_ text: String?) -> Int { min(text?.utf8.count ?? 0, Self.longestText) }
        var bytes = 400 + size(plugin) + size(routine) + size(pluginVersion) + size(report)
        bytes += size(reason.text) + size(reason.frame) + (cycleTimes == nil ? 0 : 120)
        for (name, value) in stats.columns.prefix(Self.mostStats) {
            switch value {
            case .int, .double: bytes += size(name) + 24
            case .string(let text): bytes += size(name) + size(text) + 6
            }
        }
        return bytes
    }

    /// The record without the routine's columns and with its texts shortened.
    public var brief: SessionRecord {
        var brief = self
        brief.stats = Stats()
        brief.reason.text = String(reason.text.cut(to: 200))
        brief.reason.frame = reason.frame.map { String($0.cut(to: 200)) }
        return brief
    }
}

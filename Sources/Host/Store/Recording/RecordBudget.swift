public import HostValues

/// How many bytes of records each plugin may have written: some at once, then so many a second. Pure.
///
/// The record files are bounded all together, so a plugin whose sessions end in a storm would push out what the others
/// left. Over its budget a plugin's sessions are still recorded, but briefly: see `SessionRecord.brief`.
public struct RecordBudget: Sendable {
    /// Bytes that a plugin may have written at once: less than half of the record files, which hold five times 16 MiB, so
    /// that the others keep the greater part. A plugin with large records and no ill will is not cut before that.
    public static let atOnce = 36 << 20
    /// Bytes a second, in the long run.
    public static let perSecond = 8 << 10

    private struct Account {
        var left: Int
        var asOf: MonotonicTime
    }

    private var accounts: [String: Account] = [:]

    /// Nobody has written anything.
    public init() {}

    /// Takes bytes from a plugin's budget at that time; false, and nothing is taken, when it has not as
    /// many.
    public mutating func take(_ bytes: Int, of plugin: String, at now: MonotonicTime) -> Bool {
        var account = accounts[plugin] ?? Account(left: Self.atOnce, asOf: now)
        // Time is counted in whole bytes, so that looking often does not lose any.
        let earned = max(0, now - account.asOf) / (1_000_000_000 / Int64(Self.perSecond))
        account.left = Int(min(Int64(Self.atOnce), Int64(account.left) + min(earned, Int64(Self.atOnce))))
        account.asOf += earned * (1_000_000_000 / Int64(Self.perSecond))
        let isEnough = bytes <= account.left
        if isEnough { account.left -= bytes }
        accounts[plugin] = account
        return isEnough
    }
}

extension SessionRecord {
    /// About how many bytes its line has: at least those of its texts.
    public var estimatedSize: Int {
        func size(_ text: String?) -> Int { min(text?.utf8.count ?? 0, Self.longestText) }
        var bytes = 400 + size(plugin) + size(routine) + size(pluginVersion) + size(report)
        bytes += size(reason.text) + size(reason.frame)
        for (name, value) in stats.columns.prefix(Self.mostStats) {
            switch value {
            case .int, .double: bytes += size(name) + 24
            case .string(let text): bytes += size(name) + size(text) + 6
            }
        }
        return bytes
    }

    /// The record without the routine's columns and with short texts.
    public var brief: SessionRecord {
        var brief = self
        brief.stats = Stats()
        brief.reason.text = String(reason.text.cut(to: 200))
        brief.reason.frame = reason.frame.map { String($0.cut(to: 200)) }
        return brief
    }
}

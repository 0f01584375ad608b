import HostSystem
import HostTestKit
import HostValues
import HostViews
import Testing

@testable import HostStore

/// What keeps the records of one plugin from pushing out the others'.
@Suite struct RecordBoundTests {
    @Test func `a budget is spent at once, and comes back with time`() {
        var budget = RecordBudget()
        let second: MonotonicTime = 1_000_000_000
        func take(_ bytes: Int, at time: MonotonicTime, of plugin: String = "a") -> Bool {
            budget.take(bytes, of: plugin, at: time)
        }
        #expect(take(RecordBudget.atOnce, at: 0) && !take(1, at: 0))
        #expect(take(RecordBudget.atOnce, at: 0, of: "b"), "another plugin has its own")
        #expect(!take(RecordBudget.perSecond + 1, at: second) && take(RecordBudget.perSecond, at: second))
        #expect(take(RecordBudget.atOnce, at: .ns(1 << 60)) && !take(1, at: .ns(1 << 60)), "what is saved is bounded")
        #expect(!take(1, at: 0) && !take(.max, at: .never), "any time and size")
    }

    @Test func `a plugin whose budget is whole again is forgotten, and one whose is not is not`() {
        var budget = RecordBudget()
        let hour: Int64 = 3_600_000_000_000
        for number in 1...10_000 as ClosedRange<Int64> {
            let time = MonotonicTime(nanoseconds: number * hour)
            let isTaken = budget.take(1000, of: "build-\(number)", at: time)
            var takes = 0
            while budget.take(RecordBudget.perSecond * 1000, of: "loud", at: time) { takes += 1 }
            #expect(isTaken && (number == 1 || takes < 5), "a whole budget would be more")
        }
        #expect(budget.accountCount <= 256)
    }

    @Test func `README says how long records are kept`() throws {
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        let bytes = try Directory(root).openForReading("README.md").readAll(limit: 1 << 20, subject: "README.md")
        let page = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let options = SessionStore.Options()
        #expect(page.contains("`sessions.1.jsonl` to `sessions.\(options.keep).jsonl`"))
        #expect(page.contains("a new file begins at \(options.rotateAt >> 20) MiB"))
        #expect(page.contains("about \((options.keep + 1) * options.rotateAt >> 20) MiB"))
        #expect(page.contains("more than \(RecordBudget.atOnce >> 20) MiB at once"))
        #expect(page.contains("more than \(RecordBudget.perSecond >> 10) KiB a second"))
    }

    @Test func `looking often loses no time`() {
        var budget = RecordBudget()
        _ = budget.take(RecordBudget.atOnce, of: "a", at: 0)
        var taken = 0
        for step in 1...100_000 as ClosedRange<Int64> {
            if budget.take(1, of: "a", at: .ns(step * 10_000)) { taken += 1 }
        }
        #expect(taken == RecordBudget.perSecond)
    }

    @Test(arguments: [
        ("aaaa", 2, [2, 3]), ("aabb", 2, [1, 3]), ("abbbbb", 3, [0, 4, 5]), ("abbbbbc", 3, [0, 5, 6]),
        ("aaabc", 10, [0, 1, 2, 3, 4]), ("aab", 1, [2]), ("", 1, []), ("abcabcabc", 6, [3, 4, 5, 6, 7, 8]),
    ])
    func `of each owner the newest are kept`(owners: String, most: Int, kept: [Int]) {
        #expect(FairCut.kept(owners.map { (String($0), 1) }, most: most) == kept)
    }

    @Test func `sizes count, and the newest is kept even when it is too large alone`() {
        #expect(FairCut.kept([("a", 5), ("b", 1), ("a", 3)], most: 4) == [1, 2])
        #expect(FairCut.kept([("a", 1), ("b", 9)], most: 4) == [0, 1])
        #expect(FairCut.kept([("a", 9)], most: 4) == [0])
    }

    @Test func `a storm does not push others' records off the page`() {
        var recent = RecentRecords(most: 50, mostBytes: 1 << 20)
        for number in 0..<10 { recent.add(RecordLine(.sample(number))) }
        for number in 10..<500 {
            var record = SessionRecord.sample(number)
            record.plugin = "storm"
            recent.add(RecordLine(record))
        }
        let text = String(decoding: recent.json(), as: UTF8.self)
        #expect(text.split(separator: "market-poller").count == 11 && recent.count == 50)
    }

    @Test func `the object of a line is what the records command writes`() {
        let lines = [RecordLine(.sample(1)), RecordLine(.full)]
        let object = lines.map { "  " + String(decoding: $0.object, as: UTF8.self) }.joined(separator: ",\n")
        #expect("[\n" + object + "\n]\n" == RecordTable.json(lines.map(\.record)))
    }

    @Test func `a brief record says what happened, without the columns`() {
        var record = SessionRecord.full
        record.reason.text = String(repeating: "é", count: 1000)
        #expect(record.brief.line().count < 1500 && record.brief.stats == SessionRecord.Stats())
        #expect(record.brief.session == record.session && record.brief.reason.end == record.reason.end)
    }
}

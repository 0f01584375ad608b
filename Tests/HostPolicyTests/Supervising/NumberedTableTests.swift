import HostTestKit
import Testing

@testable import HostPolicy

@Suite struct NumberedTableTests {
    @Test(arguments: 0..<10) func `it holds what a dictionary holds`(seed: Int) {
        var dice = SplitMix(seed: UInt64(seed))
        var table = NumberedTable<UInt64>()
        var model: [Int: UInt64] = [:]
        for _ in 0..<2000 {
            let number = Int(dice.next() % 200) * (dice.next() % 8 == 0 ? 1_000_003 : 1) - 20
            let value = dice.next() % 3 == 0 ? nil : dice.next()
            table[number] = value
            model[number] = value
            #expect(table[number] == value && table.count == model.count && table.isEmpty == model.isEmpty)
        }
        #expect(table.values.sorted() == model.values.sorted())
        for number in -300..<300 { #expect(table[number] == model[number]) }
    }

    @Test func `numbers that grow for ever leave nothing behind`() {
        var table = NumberedTable<Int>()
        for number in 0..<10_000 {
            table[number] = number
            table[number - 100] = nil
        }
        #expect(table.count == 100)
        #expect(table.pages.count <= 5)
    }
}

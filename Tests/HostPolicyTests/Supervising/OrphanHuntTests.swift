import HostPolicy
import HostTestKit
import Testing

/// Processes that nobody wants are held, all of them, before one is killed.
struct OrphanHuntTests {
    @Test func `what is found is held until a look finds nothing new, and killed then`() {
        var hunt = OrphanHunt()
        #expect(hunt.find([1, 2]) == [1, 2])
        #expect(hunt.close() == [], "their children were not looked for")
        #expect(hunt.next() == 2 && hunt.find([3]) == [3])
        #expect(hunt.next() == 3 && hunt.find([]) == [] && hunt.next() == 1 && hunt.next() == nil)
        #expect(hunt.close() == [], "something was found")
        #expect(hunt.find([1, 2, 3]) == [] && hunt.next() == nil)
        #expect(hunt.close() == [1, 2, 3] && hunt.isEmpty)
        // What was seen too late begins anew.
        #expect(hunt.find([3, 4]) == [3, 4])
    }

    @Test func `where there is nothing, nothing is done`() {
        var hunt = OrphanHunt()
        #expect(hunt.find([]) == [] && hunt.next() == nil && hunt.close() == [] && hunt.isEmpty)
    }
}

import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// What lies beside the way to the host's own paths is looked at again only when it has changed.
@Suite struct NeighboursTests {
    private let root = TestDirectory()

    init() throws {
        for folder in ["plugins", "state", "beside"] { _ = try root.directory().directory(folder, create: true) }
    }

    private func look() -> Neighbours {
        Neighbours(
            hiding: [root.path + "/state"], plugins: root.path + "/plugins", libraries: [], now: SystemClock().wall())
    }

    private func holds(_ neighbours: Neighbours) -> Bool {
        neighbours.holds(hiding: [root.path + "/state"], libraries: [], now: SystemClock().wall())
    }

    /// As at the first start of a host, which has just made its state directory.
    @Test func `a directory that has just changed does not make all of them be looked at for each worker`() throws {
        // Other tests change `/tmp` now and then, but not all the time.
        let isHeld = try (0..<1000).contains { number in
            try root.write("new\(number % 10)", [1])
            let neighbours = look()
            return holds(neighbours) && holds(neighbours)
        }
        #expect(isHeld)
    }

    @Test func `whatever is changed right after it was looked at is seen`() throws {
        let directory = try root.directory()
        let plugins = try directory.directory("plugins")
        for number in 0..<50 {
            let name = "f\(number)"
            try root.write(name, [1])
            try root.write("other", [1])
            for change in 0..<5 {
                let neighbours = look()
                switch change {
                case 0: try root.write(name + "x", [1])
                case 1: try directory.rename(name, to: name + "y")
                case 2: try directory.rename("other", to: name)
                case 3: try directory.remove(name)
                default: _ = try plugins.openForUpdate("lib\(number).so")
                }
                #expect(!holds(neighbours), "change \(change)")
            }
        }
        let neighbours = look()
        #expect(!neighbours.holds(hiding: [root.path + "/state"], libraries: ["a.so"], now: SystemClock().wall()))
        #expect(!neighbours.holds(hiding: [root.path + "/beside"], libraries: [], now: SystemClock().wall()))
    }
}

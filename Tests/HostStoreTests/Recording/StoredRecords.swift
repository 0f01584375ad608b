import HostTestKit
import HostValues

@testable import HostStore

extension TestDirectory {
    /// What a store has written here.
    func records() throws -> [SessionRecord] {
        var all: [SessionRecord] = []
        _ = try SessionFiles.read(directory(), order: .oldestFirst) {
            all.append($0)
            return true
        }
        return all
    }
}

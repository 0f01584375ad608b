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

    /// A store here that syncs nothing, with other options as wanted.
    func store(_ change: (inout SessionStore.Options) -> Void = { _ in }) throws -> SessionStore {
        var options = SessionStore.Options()
        options.isSynchronized = false
        change(&options)
        return try SessionStore.open(try directory(), options: options)
    }
}

extension SessionStore {
    /// Whether the session has a record.
    borrowing func has(_ session: SessionID) throws -> Bool { try recorded(among: [session]).contains(session) }
}

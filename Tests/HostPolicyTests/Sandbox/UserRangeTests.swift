import Testing

@testable import HostPolicy

/// The user ids of plugins.
@Suite struct UserRangeTests {
    @Test(arguments: [
        ("2100000000-2100065535", true), ("1000-1000", true), ("999-2000", false), ("0-5", false), ("2000-1000", false),
        ("200000", false), ("a-b", false), ("", false), ("-", false), ("1000-2000-3000", false), ("1000 - 2000", false),
        ("1000-4294967295", false), ("1000-4294967294", true), ("1000-99999999999", false), ("+1000-2000", false),
    ]) func `a range is two ids from 1000 on, the lower one first`(text: String, isGood: Bool) {
        let range = try? UserRange(text)
        #expect((range != nil) == isGood)
    }

    private static func mistake(_ file: String, host user: UInt32? = nil) -> String? {
        do throws(ConfigurationError) {
            let host = try HostConfiguration(parsing: Array(file.utf8), file: "F")
            if let user { try host.checkUsers(host: user) }
            return nil
        } catch {
            return error.problems.first.map { "\($0)" }
        }
    }

    @Test func `what is wrong is told in one sentence with its place and the remedy`() {
        let good = "{ sandbox_users: '2100000000-2100065535' }"
        #expect(Self.mistake(good) == nil && Self.mistake(good, host: 0) == nil && Self.mistake("{}", host: 7) == nil)
        #expect(
            Self.mistake("{ sandbox_users: 'all' }")
                == "F:1:18: sandbox_users: must be two user ids, the lower one first, like \"2100000000-2100065535\"")
        #expect(Self.mistake("{ sandbox_users: 7 }")?.contains("must be two user ids") == true)
        #expect(
            Self.mistake("{ sandbox_users: '500-2000' }")
                == "F:1:18: sandbox_users: has user ids below 1000, which are the system's: take ids that nobody has, like "
                + "\"2100000000-2100065535\"")
        #expect(
            Self.mistake(good, host: 1001)
                == "F:1:18: sandbox_users: needs a host that runs as root, and this one runs as user 1001: start it as root, or "
                + "remove sandbox_users")
        let inside = Self.mistake(good, host: 2_100_000_001)
        #expect(inside?.contains("has the host's own user id 2100000001 in it") == true)
        #expect((try? PluginConfiguration(parsing: Array(good.utf8), file: "p")) == nil, "it is the host's alone")
    }

    @Test func `a plugin keeps its id, also when others come and go, and after a restart`() throws {
        let range = try UserRange("2100000000-2100065535")
        var users = PluginUsers()
        let first = users.user(of: "market-poller", in: range)
        #expect(first.map(range.contains) == true)
        for number in 0..<500 { _ = users.user(of: "plugin \(number)", in: range) }
        let again = users.user(of: "market-poller", in: range)
        #expect(again == first && Set(users.ids.values).count == 501)
        var read = PluginUsers(text: users.text)
        #expect(read == users)
        let restarted = read.user(of: "market-poller", in: range)
        var fresh = PluginUsers()
        let lost = fresh.user(of: "market-poller", in: range)
        #expect(restarted == first && lost == first, "it depends on the name")
    }

    @Test func `ids that collide, or that an account has, are passed over, and a full range has none`() throws {
        let range = try UserRange("2000-2004")
        var users = PluginUsers()
        let ids = (0..<5).compactMap { users.user(of: "p\($0)", in: range, isTaken: { $0 == 2002 }) }
        #expect(ids.sorted() == [2000, 2001, 2003, 2004])
        #expect(users.ids.count == 4)
        let single = users.user(of: "new", in: try UserRange("3000-3000"))
        let none = users.user(of: "x", in: try UserRange("65534-65534"))
        #expect(single == 3000 && none == nil)
    }

    @Test func `in another range a plugin gets another id`() throws {
        var users = PluginUsers()
        let first = users.user(of: "p", in: try UserRange("2000-2999"))
        let second = users.user(of: "p", in: try UserRange("5000-5999"))
        #expect(first != second && second.map { $0 >= 5000 } == true && users.ids.count == 1)
    }

    @Test func `a file that was spoiled gives no id twice`() {
        let users = PluginUsers(text: "2000 a\n2000 b\nx c\n2001\n2002 d e\n\n")
        #expect(users.ids == ["a": 2000, "d e": 2002])
        #expect(PluginUsers.accounts("root:x:0:0\nme:x:1000:5\nbad\n") == [0, 1000])
    }

    @Test func `ids that accounts may use in containers are passed over, and a plugin that has one gets another`()
        throws
    {
        let lent = LentUsers(files: ["me:2000:3\nbad\nyou:x:5\n", "me:2004:1\nyou:4294967290:99\nnone:2003:0\n"])
        #expect((1999...2005).filter(lent.contains) == [2000, 2001, 2002, 2004] && lent.contains(.max - 2))
        let range = try UserRange("2000-2004")
        var users = PluginUsers(text: "2001 old\n")
        let moved = users.user(of: "old", in: range, lent: lent)
        let none = users.user(of: "new", in: range, lent: lent)
        #expect(moved == 2003 && none == nil)
    }
}

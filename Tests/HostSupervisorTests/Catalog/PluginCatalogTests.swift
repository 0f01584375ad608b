import HostInspection
import HostSystem
import HostTestKit
import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// The catalog in virtual time: files that come, change and go.
@Suite final class PluginCatalogTests: CatalogSuite {
    @Test func `a thousand files are taken up, each once, and all go`() {
        for number in 0..<1000 { folder.put("p\(number).so", "c\(number)") }
        folder.put("README.md", finding: .refused("never asked"))
        folder.put(".hidden.so", finding: .refused("never asked"))
        catalog.scanAll(isPatient: false)
        #expect(!catalog.isReady && catalog.take().count == 1000 && folder.scans == 1000)
        catalog.scanAll()
        #expect(folder.scans == 1000, "what has not changed is not scanned again")
        catalog.reload()
        for entry in catalog.entries.values {
            catalog.described(entry.number, description(PluginNames.stem(entry.file.name)))
        }
        #expect(catalog.isReady && catalog.isSettled && catalog.readyCount == 1000)
        folder.files = [:]
        changed(isWhole: true)
        #expect(catalog.retiring.count == 1000 && !catalog.isSettled)
        catalog.ended(catalog.retiring)
        #expect(catalog.isSettled && catalog.status().isEmpty && folder.copies.isEmpty && !folder.isOpen)
    }

    @Test func `a disk that is full is said once for a file, and the plugin begins when there is room`() {
        folder.put("a.so", "a")
        folder.isFull = true
        clock.advance(seconds: 5)
        catalog.scanAll(isPatient: false)
        #expect(log.take(.error).count == 1 && catalog.isSettled, "nobody waits for it")
        deadlines.run(clock, for: 60_000_000_000)
        #expect(folder.scans == 31 && log.take(.error).isEmpty)
        folder.isFull = false
        deadlines.run(clock, for: PluginScanner.retry)
        #expect(settle().ready == ["a"])
        deadlines.run(clock, for: 60_000_000_000)
        #expect(folder.scans == 32 && deadlines.earliest == .never)
    }

    @Test func `at the beginning a full disk is waited for: what the host before has left is freed a moment later`() {
        folder.put("a.so", "a")
        folder.put("b.so", "b")
        folder.isFull = true
        catalog.scanAll(isPatient: false)
        deadlines.run(clock, for: 500_000_000)
        #expect(log.take(.error).isEmpty && !catalog.isSettled)
        folder.isFull = false
        deadlines.run(clock, for: 20_000_000)
        #expect(Set(settle().ready) == ["a", "b"] && catalog.isSettled)
        folder.put("c.so", "c")
        folder.isFull = true
        changed("c.so")
        deadlines.run(clock, for: 1_000_000_000)
        #expect(log.take(.error).count == 1 && catalog.isSettled, "not for longer than a second")
    }

    @Test func `a plugin that runs goes on while the disk is full`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = settle()
        folder.isFull = true
        folder.put("a.so", "b")
        changed("a.so")
        #expect(settle() == ([], []) && state(of: "a.so") == "ready")
        folder.isFull = false
        deadlines.run(clock, for: PluginScanner.retry)
        #expect(settle() == (["a"], [.reloaded]))
    }

    @Test func `a directory that disappears ends its plugins, and brings them back with it`() {
        for name in ["a", "b", "c"] { folder.put(name + ".so", name) }
        catalog.scanAll()
        #expect(settle().ready == ["a", "b", "c"])
        folder.fault = MemoryPlugins.gone
        changed(isWhole: true)
        #expect(settle() == ([], [.removed, .removed, .removed]))
        folder.fault = nil
        changed(isWhole: true)
        #expect(settle() == (["a", "b", "c"], []))
    }

    @Test func `a directory that cannot be opened changes nothing, and is said once until it can`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = settle()
        for _ in 1...2 {
            folder.fault = MemoryPlugins.denied
            changed("a.so")
            deadlines.run(clock, for: 10_000_000_000)
            #expect(log.take(.error).count == 1 && settle() == ([], []))
            folder.fault = nil
            deadlines.run(clock, for: 1_000_000_000)
            #expect(deadlines.earliest == .never && settle() == ([], []))
        }
    }

    @Test func `a file that is replaced ten times while it is described begins once, with the last content`() throws {
        folder.put("a.so", "c0")
        catalog.scanAll()
        for number in 1...10 {
            folder.put("a.so", "c\(number)")
            changed("a.so")
        }
        // Eleven came; ten of them end before they have begun.
        let first = catalog.take()
        #expect(first.filter { if case .describe = $0 { true } else { false } }.count == 1, "\(first)")
        #expect(catalog.retiring.count == 10 && state(of: "a.so") == "loading")
        for number in catalog.retiring {
            #expect(catalog.order(number) == nil, "nobody describes what is to go")
            catalog.described(number, description("a"))
        }
        #expect(catalog.take().isEmpty)
        for number in catalog.retiring.dropLast() { catalog.ended([number]) }
        #expect(catalog.take().isEmpty, "it waits for all that were before it")
        catalog.ended(catalog.retiring)
        let change = try #require(catalog.take().first)
        guard case .describe(let number) = change, let load = catalog.order(number) else {
            return #expect(Bool(false), "\(change)")
        }
        #expect(load.path == "/state/plugins/c10.so" && folder.copies == ["c10"])
        catalog.described(number, description("a"))
        #expect(settle().ready == ["a"])
    }

    @Test func `a file that is not whole has a second from its last event, and is then said once`() {
        folder.put("a.so", finding: .incomplete("a.so: no end"))
        changed("a.so")
        deadlines.run(clock, for: 900_000_000)
        changed("a.so")
        deadlines.run(clock, for: 900_000_000)
        #expect(log.take(.error).isEmpty && !catalog.isSettled)
        deadlines.run(clock, for: 100_000_000)
        #expect(log.take(.error) == ["a.so: no end"] && catalog.isSettled)
        folder.put("a.so", "a")
        changed("a.so")
        #expect(settle().ready == ["a"])
    }

    @Test(arguments: [ScanFinding.busy, .untold, .changing]) func `a file that is being written is left alone`(
        finding: ScanFinding
    ) {
        folder.put("a.so", finding: finding)
        changed("a.so")
        #expect(catalog.take().isEmpty && log.entries.isEmpty)
        folder.put("a.so", "a")
        if finding == .changing { deadlines.run(clock, for: 20_000_000) } else { changed("a.so") }
        #expect(settle().ready == ["a"])
    }

    @Test func `of two files with one name the second is refused, and begins when the first is gone`() throws {
        folder.put("a.so", "a")
        folder.put("b.so", "b")
        catalog.scanAll()
        let numbers = catalog.entries.keys.sorted()
        for number in numbers { catalog.described(number, description("same")) }
        #expect(state(of: "a.so") == "ready" && state(of: "b.so") == "refused")
        #expect(catalog.status().first { $0.file == "b.so" }?.why?.contains("taken by a.so") == true)
        _ = catalog.take()
        folder.files["a.so"] = nil
        changed("a.so")
        catalog.ended([numbers[0]])
        #expect(catalog.take().last == .describe(numbers[1]))
        catalog.described(numbers[1], description("same"))
        #expect(state(of: "b.so") == "ready")
    }

    @Test
    func `a library that a plugin needs is no fault, one that nobody needs is, and a change of it is the plugin's`() {
        folder.put("lib.so", finding: .library("lib.so: no plugin"))
        folder.put("other.so", finding: .library("other.so: no plugin"))
        folder.put("z.so", "z1")
        folder.needed["z.so"] = ["lib.so", "late.so.1", "libc.so.6"]
        catalog.scanAll(isPatient: false)
        #expect(log.take(.error) == ["other.so: no plugin"])
        #expect(settle().ready == ["z"])
        // What the library is changes what the plugin is.
        folder.put("lib.so", finding: .library("lib.so: no plugin"))
        folder.put("z.so", "z2")
        changed("lib.so")
        #expect(settle() == (["z"], [.reloaded]))
        folder.put("z.so", "z3")
        changed("late.so.1")
        #expect(settle() == (["z"], [.reloaded]))
        folder.put("z.so", "z4")
        changed("README.md", "other.so")
        #expect(settle() == ([], []))
        deadlines.run(clock, for: 2_000_000_000)
        #expect(log.take(.error).isEmpty && catalog.isSettled, "said once")
    }

    @Test func `a library that comes before its plugin has a second, and one that is needed no more is told`() {
        folder.put("lib.so", finding: .library("lib.so: no plugin"))
        changed("lib.so")
        folder.put("z.so", "z")
        folder.needed["z.so"] = ["lib.so"]
        changed("z.so", "lib.so")
        deadlines.run(clock, for: 2_000_000_000)
        #expect(log.take(.error).isEmpty && settle().ready == ["z"])
    }

    @Test func `a copy that something removed is made anew before it is loaded`() throws {
        folder.put("a.so", "a")
        catalog.scanAll()
        let number = try #require(catalog.entries.keys.first)
        folder.removeCopies()
        #expect(catalog.order(number) != nil && folder.copies == ["a"])
        #expect(log.take(.warning).count == 1)
        catalog.keepCopy(of: number)
        #expect(log.take(.warning).isEmpty)
        folder.removeCopies()
        folder.put("a.so", "b")
        catalog.keepCopy(of: number)
        #expect(log.take(.error).count == 1, "another file is another plugin")
    }

    @Test(arguments: [["libx.so", "libx-old.so"], ["x.so", "copy-of-x.so"], ["libX.so", "backup.so"]])
    func `which of two files with one name begins does not depend on who is described first`(files: [String]) {
        for order in [files, files.reversed()] {
            let folder = MemoryPlugins()
            for file in files { folder.put(file, file) }
            // No host ran before: the one that is called so. One did: the one that had the name, whatever it is called.
            for owner in [files[0], files[1]] {
                if owner == files[1] { _ = folder.kept.note("x", owner) { [] } }
                let deadlines = Deadlines()
                let catalog = PluginCatalog(
                    PluginCatalog.Settings(plugins: "/plugins", state: "/state"), folder: folder, clock: clock,
                    deadlines: deadlines, log: log)
                catalog.scanAll(isPatient: false)
                for file in order {
                    let number = catalog.entries.values.first { $0.file.name == file }?.number
                    catalog.described(number ?? 0, description("x"))
                }
                _ = catalog.take()
                let states = catalog.status().map { "\($0.file) \($0.state)" }.sorted()
                #expect(states == ["\(owner) ready", "\(files.first { $0 != owner } ?? "") refused"].sorted())
                catalog.stop()
                #expect(folder.kept.files == ["x": owner])
            }
        }
    }

    @Test func `what waited for a file with more right to its name begins when that is called otherwise, or is none`() {
        for isPlugin in [true, false] {
            let folder = MemoryPlugins()
            folder.put("libx-old.so", "old")
            folder.put("libx.so", "new")
            let catalog = PluginCatalog(
                PluginCatalog.Settings(plugins: "/plugins", state: "/state"), folder: folder, clock: clock,
                deadlines: Deadlines(), log: log)
            catalog.scanAll(isPatient: false)
            let numbers = catalog.entries.values.sorted { $0.file.name < $1.file.name }.map(\.number)
            catalog.described(numbers[0], description("x"))
            #expect(catalog.readyCount == 0 && !catalog.isReady)
            if isPlugin {
                catalog.described(numbers[1], description("y"))
            } else {
                catalog.couldNotDescribe(numbers[1], "it has no descriptor")
            }
            _ = catalog.take()
            #expect(catalog.isReady && catalog.name(numbers[0]) == "x" && catalog.readyCount == (isPlugin ? 2 : 1))
        }
    }

    @Test func `a file that is not scanned yet has its right to a name too, until it turns out to be none`() {
        for isPlugin in [true, false] {
            let folder = MemoryPlugins()
            _ = folder.kept.note("x", "libx.so") { [] }
            folder.put("libx-old.so", "old")
            // Each scan takes so long that the loop comes round in between.
            folder.scanTime = { [clock] in clock.advance(6_000_000) }
            if isPlugin {
                folder.put("libx.so", "new")
            } else {
                folder.put("libx.so", finding: .refused("libx.so: none"))
            }
            let deadlines = Deadlines()
            let catalog = PluginCatalog(
                PluginCatalog.Settings(plugins: "/plugins", state: "/state"), folder: folder, clock: clock,
                deadlines: deadlines, log: log)
            catalog.scanAll(isPatient: false)
            let old = catalog.entries.keys.first ?? 0
            catalog.described(old, description("x"))
            _ = catalog.take()
            #expect(catalog.entries.count == 1 && catalog.readyCount == 0)
            deadlines.run(clock, for: 10_000_000)
            for number in catalog.entries.keys where number != old { catalog.described(number, description("x")) }
            _ = catalog.take()
            let ready = catalog.status().filter { $0.state == "ready" }.map(\.file)
            #expect(ready == [isPlugin ? "libx.so" : "libx-old.so"])
        }
    }

    @Test func `settings for nobody are told once, when it is known who is here`() {
        folder.put("libmarket-poller.so", "m")
        folder.put("broken.so", finding: .refused("broken.so: none"))
        for name in ["libmarket-poller", "markt", "market", "schedhost", ".hidden", "weather", "broken"] {
            folder.put(name + ".json5", finding: .refused("never asked"))
        }
        catalog.scanAll(isPatient: false)
        _ = catalog.take()
        #expect(log.take(.warning).isEmpty, "it is not known yet what the plugin is called")
        for number in catalog.entries.keys { catalog.described(number, description("market")) }
        _ = catalog.take()
        let told = log.take(.warning)
        #expect(told.count == 3, "\(told)")
        #expect(told[0].contains("libmarket-poller.json5") && told[0].contains("is called market"))
        #expect(told[1].contains("markt.json5") && told[1].contains("did you mean market?"))
        #expect(told[2].contains("weather.json5"))
        changed("market.json5")
        _ = catalog.take()
        #expect(log.take(.warning).isEmpty, "said once")
        folder.put("wether.json5", finding: .refused("never asked"))
        changed("wether.json5")
        _ = catalog.take()
        #expect(log.take(.warning).count == 1)
    }

    @Test func `a plugin whose name is that of one that ends is held until it has ended`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        catalog.described(1, description("same"))
        folder.files["a.so"] = nil
        folder.put("b.so", "b")
        changed("a.so", "b.so")
        catalog.described(2, description("same"))
        #expect(state(of: "b.so") == "loading" && !catalog.isReady)
        catalog.ended([1])
        #expect(state(of: "b.so") == "ready")
    }

    @Test func `settings that are edited begin anew, those that stay the same do not, and a mistake changes nothing`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = settle()
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 500}"
        changed("a.json5")
        #expect(settle() == (["a"], [.reloaded]))
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 500, /* a comment */}"
        changed("a.json5")
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 'often'}"
        changed("a.json5")
        #expect(settle() == ([], []) && log.take(.error).count == 1 && state(of: "a.so") == "ready")
        folder.configurations["/plugins/schedhost.json5"] = "{plugins: {a: {wait_ms: 250}}}"
        folder.configurations["/plugins/a.json5"] = nil
        changed("schedhost.json5")
        #expect(settle() == (["a"], [.reloaded]))
        #expect(catalog.settings(plugin: "a", routine: "poll")?.waitMs == 250)
        #expect(catalog.settings(plugin: "b", routine: "poll") == nil)
    }

    @Test func `a wrong configuration refuses a plugin, and mending it is enough`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{wait_ms: }"
        catalog.scanAll()
        #expect(settle().ready.isEmpty && state(of: "a.so") == "refused")
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 5}"
        changed("a.json5")
        #expect(settle().ready == ["a"])
    }

    @Test func `the first worker has the limits that are configured for a plugin's probable name`() {
        folder.put("libMarketPoller.so", "m")
        folder.configurations["/plugins/market-poller.json5"] = "{isolation: 'routine', limits: {memory_mb: 64}}"
        catalog.scanAll()
        let load = catalog.order(1)
        #expect(load?.key == .routine(1, 0) && load?.isForRunning == false && load?.parameters == "{}")
        #expect(load?.limits != WorkerLimits())
    }

    @Test func `a worker that is killed from outside is tried again five times`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = catalog.take()
        for _ in 1...5 {
            catalog.killedWhileDescribed(1, "killed")
            #expect(catalog.take() == [.describe(1)])
        }
        catalog.killedWhileDescribed(1, "killed")
        #expect(state(of: "a.so") == "refused")
        catalog.reload()
        #expect(catalog.take().last == .describe(1), "a person may have it tried again")
    }

    @Test func `a reason names the file, not its copy, and a file with other times is tried again`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = catalog.take()
        catalog.couldNotDescribe(1, "/state/plugins/a.so: undefined symbol: x")
        #expect(log.take(.error) == ["/plugins/a.so: a.so: undefined symbol: x"])
        #expect(catalog.take() == [.forget(1), .refused])
        folder.put("a.so", "a")
        changed("a.so")
        #expect(catalog.take() == [.describe(1)])
    }

    @Test func `a host that stops takes nothing up and describes nothing`() {
        folder.put("a.so", "a")
        catalog.scanAll()
        catalog.stop()
        folder.put("b.so", "b")
        changed("b.so")
        catalog.scanAll()
        #expect(catalog.entries.count == 1 && deadlines.earliest == .never)
    }
}

import HostInspection
import HostSystem
import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// What suites of the catalog have in common: one in virtual time, with a directory in memory and without a process.
class CatalogSuite {
    let clock = TestClock()
    let deadlines = Deadlines()
    let log = MemoryLog()
    let folder = MemoryPlugins()
    let catalog: PluginCatalog

    init() throws {
        catalog = PluginCatalog(
            PluginCatalog.Settings(plugins: "/plugins", state: "/state"), folder: folder, clock: clock,
            deadlines: deadlines, log: log)
        try catalog.loadHostConfiguration()
    }

    /// What each plugin says that it needs of its sandbox.
    var needs: [String] = []

    func description(_ id: String, routines: [String] = ["poll"]) -> PluginDescription {
        PluginDescription(
            id: id, version: "1.0", description: nil, isSerial: false, parameters: [],
            routines: routines.map {
                .init(name: $0, description: nil, waitMs: 1000, maxCycles: 0, timeoutMs: 0)
            }, needs: needs)
    }

    func changed(_ names: String..., isWhole: Bool = false) {
        catalog.directoryChanged(DirectoryWatch.Change(isWhole: isWhole, settled: Set(names)))
    }

    /// Describes whatever is to be described, by its file's name, and ends what is to end; returns the programs that
    /// became ready and the kinds of the ends.
    func settle(_ other: PluginCatalog? = nil) -> (ready: [String], retired: [SessionEnd]) {
        let catalog = other ?? catalog
        var ready: [String] = []
        var retired: [SessionEnd] = []
        while true {
            let changes = catalog.take()
            if changes.isEmpty { return (ready, retired) }
            for change in changes {
                switch change {
                case .describe(let number):
                    guard let load = catalog.order(number) else { continue }
                    catalog.described(number, description(PluginNames.stem(load.name)))
                case .forget, .reworded, .refused: break
                case .ready(let program): ready.append(program.name)
                case .retire(let number, let kind, _):
                    retired.append(kind)
                    catalog.ended([number])
                }
            }
        }
    }

    func state(of file: String) -> String? { catalog.status().first { $0.file == file }?.state }
}

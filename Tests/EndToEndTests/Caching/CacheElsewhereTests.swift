import FoundationEssentials
import HostCommandLine
import HostSystem
import Testing

extension EndToEnd {
    /// Disk caches that a later host reads in other surroundings: another machine, another time namespace, no boot id.
    @Suite(.enabled(if: Tools.hasNamespaces, "no namespaces can be made here")) struct CacheElsewhere {
        /// Where the second host runs, as options of unshare(1) and a command before it.
        struct Place: Sendable, CustomTestStringConvertible {
            let name: String
            var options = "-m"
            /// What stands in place of the boot's and the machine's id; nil: what is there.
            var boot: String?
            var machine: String?
            var testDescription: String { name }
        }

        private static let otherBoot = "11111111-2222-3333-4444-555555555555\n"
        private static let places = [
            Place(name: "the same"),
            Place(name: "no boot id", boot: ""),
            Place(name: "a boot id that is none", boot: "garbage\n"),
            Place(name: "up for ten hours more, without a boot id", options: "-mT --boottime 36000", boot: ""),
            Place(name: "another time namespace, ahead", options: "-mT --boottime 36000"),
            Place(name: "another time namespace, behind", options: "-mT --boottime -2"),
            Place(
                name: "another machine", options: "-mT --boottime 36000", boot: otherBoot,
                machine: "0123456789abcdef0123456789abcdef\n"),
            Place(name: "another machine that has no id", boot: otherBoot, machine: ""),
        ]

        /// Runs a host to its end in a place, with a list of the cached values after it.
        private func run(_ place: Place, in scratch: Scratch) async throws -> Host {
            try place.boot.map { try Data($0.utf8).write(to: URL(filePath: scratch.path + "/boot")) }
            try place.machine.map { try Data($0.utf8).write(to: URL(filePath: scratch.path + "/machine")) }
            let mounts = [
                place.boot.map { _ in "mount --bind boot /proc/sys/kernel/random/boot_id" },
                place.machine.map { _ in
                    "for id in /etc/machine-id /var/lib/dbus/machine-id; do "
                        + "test ! -e $id || mount --bind machine $id || exit 9; done"
                },
                "\"$@\" --exit-when-idle", "\"$1\" cache list --state state >list",
            ].compactMap { $0 }.joined(separator: " && ")
            let host = try Host(shell: "exec unshare \(place.options) --fork sh -c '\(mounts)' sh \"$@\"", in: scratch)
            #expect(try await host.ended() == .exited(0), "\(host.log)")
            return host
        }

        @Test(arguments: places) func `a value is as old as it is`(_ place: Place) async throws {
            let scratch = try await CacheTest.scratch("value", text: "first")
            let made = try await run(Place(name: "here"), in: scratch)
            #expect(made.lines("value state=2", "text=first").count == 1, "\(made.log)")
            try CacheTest.configure(scratch, "value", text: "second")
            let found = try await run(place, in: scratch)
            let value = CacheTest.value(try #require(found.lines("value state=").first))
            #expect(value["state"] == "1" && value["text"] == "first", "\(found.log)")
            let age = try #require(value["age_ms"].flatMap { Double($0) })
            #expect(age >= 0 && age < 20_000, "\(found.log)")
            #expect(scratch.text("list").contains("good"), "\(scratch.text("list"))")
        }

        /// The clock of the second host is behind by more than the value's whole life.
        @Test func `a value that has expired is not served where the clock is behind`() async throws {
            let name = "short-lived"
            let text = Source.plugin(
                name, waitMs: 100,
                more: """
                    static int32_t fetch(const schedhost_scheduler *scheduler, const void *key, size_t size,
                                         schedhost_writer *writer, void *user) {
                        (void)key, (void)size, (void)user;
                        schedhost_info(scheduler, "fetches");
                        return schedhost_write(writer, "42", 2);
                    }
                    """,
                body: """
                    schedhost_cache_value value;
                    schedhost_cache *cache = schedhost_cache_disk(scheduler, "v", 1000, fetch, NULL);
                    return schedhost_cache_get(scheduler, cache, 0, 0, &value);
                    """)
            try await Fixtures.build(name, c: text)
            let scratch = try Scratch()
            try scratch.add(name)
            try scratch.write("{ max_cycles: 1 }", to: name + ".json5")
            #expect(try await run(Place(name: "here"), in: scratch).lines("fetches").count == 1)
            try await Task.sleep(for: .milliseconds(1200))
            let behind = try await run(Place(name: "behind", options: "-mT --boottime -2"), in: scratch)
            #expect(behind.lines("fetches").count == 1, "\(behind.log)")
        }
    }
}

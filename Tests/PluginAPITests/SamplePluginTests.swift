import CPluginAPI
import Testing

/// One after the other: a loaded plugin has its state once, and each test is a host of its own.
@Suite(.serialized) struct SamplePluginTests {
    @Test(arguments: ["MarketPoller", "SymbolIndex"])
    func noteIsThatOfTheHeader(name: String) throws {
        let plugin = try SamplePlugin(name)
        var note: [UInt8] = []
        for word in [UInt32(10), 16, 1] { unsafe note += withUnsafeBytes(of: word.littleEndian) { unsafe Array($0) } }
        note += Array("schedhost\0\0\0".utf8)
        for word in [SCHEDHOST_ABI_MAJOR, SCHEDHOST_ABI_MINOR, 0, UInt32(SCHEDHOST_LANGUAGE_SWIFT)] {
            unsafe note += withUnsafeBytes(of: word.littleEndian) { unsafe Array($0) }
        }
        let first = try #require(plugin.file.firstRange(of: note))
        #expect(first.lowerBound % 4 == 0)
    }

    // MARK: MarketPoller

    private let good = #"{"taken":"now","prices":[{"symbol":"A","price":2.5},{"symbol":"B","price":4}]}"#

    @Test(arguments: [true, false])
    func recordedSnapshotIsTheDefault(caches: Bool) throws {
        let plugin = try SamplePlugin("MarketPoller")
        let host = FakeHost(caches: caches)
        #expect(plugin.session(host, cycles: 3) == [0, 0, 0])
        #expect(host.failures == [])
        #expect(host.lines.count == 3)
        #expect(host.lines[2].text.hasPrefix("cycle=2 snapshot=BTC-USD=67214.35,ETH-USD=3521.07,SOL-USD=143.92,+5"))
        #expect(host.stats["fetched"] == (caches ? "1" : "3") && host.stats["min_price"] == "67214.35")
    }

    @Test func fileIsPolledThroughTheCache() throws {
        let plugin = try SamplePlugin("MarketPoller")
        let folder = try ScratchDirectory()
        let path = try folder.write("prices one.json", good.utf8)
        let host = FakeHost()
        host.parameters = ["source": "file://" + path.replacing(" ", with: "%20"), "symbol": "B"]
        #expect(plugin.session(host) == [0])
        #expect(host.stats["last_price"] == "4.0")
        try folder.write("prices one.json", good.replacing("4}", with: "3}").utf8)
        host.now = 30
        #expect(plugin.session(host) == [0])
        #expect(host.stats["last_price"] == "4.0" && host.stats["fetched"] == "0")
        host.now = 31
        #expect(plugin.session(host) == [0])
        #expect(host.stats["last_price"] == "3.0" && host.stats["fetched"] == "1")
        // The source fails: old prices do for 5 minutes.
        try folder.write("prices one.json", "{".utf8)
        host.now = 330
        #expect(plugin.session(host) == [0])
        #expect(host.lines.contains { $0.level == 30 })
        host.now = 362
        #expect(plugin.session(host) == [1])
        host.parameters["symbol"] = "C"
        host.now = 31
        #expect(plugin.session(host) == [2])
    }

    @Test(arguments: [
        ("ftp://x", "give http://"), ("file:///nowhere/at/all", "No such file"), ("/dev/null", "not a regular file"),
        ("/tmp", "not a regular file"), ("file://host/x", "begins with a slash"), ("file:///a%0", "hexadecimal"),
        ("http://", "give http://host"), ("http://127.0.0.1:0/", "port from 1"), ("http://a b/", "no spaces"),
        ("http://127.0.0.1:1/", "refused"), ("http://u@h/", "user"),
    ])
    func badSourceSaysWhy(source: String, words: String) throws {
        let plugin = try SamplePlugin("MarketPoller")
        let host = FakeHost()
        host.parameters = ["source": source]
        #expect(plugin.session(host) == [1])
        #expect(host.failures.last?.contains(words) == true, "\(host.failures)")
    }

    @Test(arguments: [
        ("[]", "expected form"), ("{\"taken\":\"x\",\"prices\":[]}", "no prices"),
        ("{\"taken\":\"x\",\"prices\":[{\"symbol\":\"A\",\"price\":-1}]}", "not a positive"),
        ("{\"taken\":\"x\",\"prices\":[{\"symbol\":\"\",\"price\":1}]}", "1 to 32"),
        ("{\"taken\":\"x\",\"prices\":[{\"symbol\":\"A\",\"price\":1},{\"symbol\":\"A\",\"price\":1}]}", "twice"),
        ("{\"taken\":\"x\",\"prices\":[{\"symbol\":\"A\",\"price\":\"1\"}]}", "prices"), ("", "expected form"),
    ])
    func badSnapshotSaysWhy(json: String, words: String) throws {
        let plugin = try SamplePlugin("MarketPoller")
        let folder = try ScratchDirectory()
        let host = FakeHost()
        host.parameters = ["source": try folder.write("bad.json", json.utf8)]
        #expect(plugin.session(host) == [1])
        #expect(host.failures.last?.contains(words) == true, "\(host.failures)")
    }

    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    static let body = #"{"taken":"now","prices":[{"symbol":"A","price":2.5}]}"#

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)trailing", ""),
            ("HTTP/1.0 200 OK\r\n\r\n\(body)", ""),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:\(body.utf8.count)\r\n\r\n\(body)", ""),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n\(String(body.utf8.count - 1, radix: 16));x=y\r\n\(body.dropFirst())\r\n0\r\nT: 1\r\n\r\n",
                ""
            ),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answers 404"),
            ("HTTP/1.1 302 Found\r\nLocation: http://else/\r\n\r\n", "give http://else/"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n\(body)", "too early"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "Content-Length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", "larger than"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Content-Length"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "transfer encoding"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "hexadecimal"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "larger than"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than its size"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", "too early"),
            ("SSH-2.0-x\r\n\r\n", "not HTTP"), ("", "too early"), ("HTTP/1.1 200 OK\r\nbroken\r\n\r\n", "colon"),
            ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 70_000), "larger than 64 KiB"),
            // What a server may send without end, none of it in one piece too long.
            (chunked + "0\r\n" + String(repeating: "T: trailer\r\n", count: 6000), "trailers are larger"),
            (chunked + String(repeating: "1;\(String(repeating: "e", count: 4000))\r\n \r\n", count: 20), "extensions"),
            (String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 17), "more than 16 interim"),
        ], [1, 7, 100_000])
    func answerOverHTTP(answer: (text: String, failure: String), piece: Int) throws {
        if answer.text.utf8.count > 10_000 && piece < 100 { return }  // a byte at a time takes too long
        let plugin = try SamplePlugin("MarketPoller")
        let server = try OneAnswer(answer.text, piece: piece)
        let host = FakeHost()
        host.parameters = ["source": "http://127.0.0.1:\(server.port)/prices?x=1#part"]
        #expect(plugin.session(host) == [answer.failure.isEmpty ? 0 : host.lastCode(of: answer.failure)])
        if answer.failure.isEmpty {
            #expect(host.stats["last_price"] == "2.5")
        } else {
            #expect(host.failures.last?.contains(answer.failure) == true, "\(host.failures)")
        }
    }

    @Test func fetchEndsWhenTheHostStops() throws {
        let plugin = try SamplePlugin("MarketPoller")
        let server = try OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", piece: 1)
        let host = FakeHost()
        host.stopRequested = true
        host.parameters = ["source": "http://127.0.0.1:\(server.port)/"]
        #expect(plugin.session(host) == [0])
        #expect(host.stats["fetched"] == "0")
    }

    @Test func fetchThatAnotherRoutinesStopEndsIsAnError() throws {
        let plugin = try SamplePlugin("MarketPoller")
        let server = try OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", piece: 1)
        let host = FakeHost()
        host.stopAnswers = [true]  // to who fetches, and no longer to who asks afterwards
        host.parameters = ["source": "http://127.0.0.1:\(server.port)/"]
        #expect(plugin.session(host) == [1])
        #expect(host.failures.last?.contains("given up") == true, "\(host.failures)")
    }

    // MARK: SymbolIndex

    /// A shared library of three sections: what it exports is `shown` and `weak`.
    private var tinyLibrary: [UInt8] {
        var file = [UInt8](repeating: 0, count: 256)
        func put(_ value: UInt64, _ bytes: Int, at offset: Int) {
            for index in 0..<bytes { file[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
        }
        file.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
        put(3, 2, at: 16)
        put(64, 8, at: 40)
        put(64, 2, at: 58)
        put(3, 2, at: 60)
        let names = Array("\0shown\0weak\0hidden\0local\0undefined\0".utf8)
        put(11, 4, at: 128 + 4)
        put(256, 8, at: 128 + 24)
        put(24 * 6, 8, at: 128 + 32)
        put(2, 4, at: 128 + 40)
        put(3, 4, at: 192 + 4)
        put(256 + 24 * 6, 8, at: 192 + 24)
        put(UInt64(names.count), 8, at: 192 + 32)
        for (name, info, other, section) in [
            (0, 0, 0, 0), (1, 0x12, 0, 5), (7, 0x22, 3, 5), (12, 0x12, 2, 5), (19, 0x02, 0, 5), (25, 0x12, 0, 0),
        ] as [(UInt8, UInt8, UInt8, UInt8)] {
            file += [name, 0, 0, 0, info, other, section, 0] + [UInt8](repeating: 0, count: 16)
        }
        return file + names
    }

    @Test(arguments: [
        ("shown", true), ("weak", true), ("hidden", false), ("local", false), ("undefined", false), ("", false),
    ])
    func exportedSymbolIsFound(symbol: String, found: Bool) throws {
        let plugin = try SamplePlugin("SymbolIndex")
        let folder = try ScratchDirectory()
        try folder.write("libtiny.so.1", tinyLibrary)
        try folder.write("libtext.so", "no library".utf8)
        try folder.write("notes.txt", tinyLibrary)
        let host = FakeHost()
        host.parameters = ["directory": folder.path, "symbol": symbol]
        #expect(plugin.session(host, cycles: 2) == [0, 0])
        #expect(host.stats["libraries"] == "1" && host.stats["symbols"] == "2" && host.stats["skipped"] == "1")
        #expect(host.lines.last?.text.hasSuffix(found ? ": libtiny.so.1" : ": none") == true, "\(host.lines)")
        #expect(host.diskCaches["index"]?.loads == 1)
    }

    @Test func damagedLibrariesAreSkipped() throws {
        let plugin = try SamplePlugin("SymbolIndex")
        let folder = try ScratchDirectory()
        let whole = tinyLibrary
        for length in 0..<whole.count { try folder.write("cut\(length).so", whole[..<length]) }
        for (place, value) in (0..<whole.count).flatMap({ place in ([0x00, 0x7f, 0xff] as [UInt8]).map { (place, $0) } }
        ) {
            var bytes = whole
            bytes[place] = value
            try folder.write("flip\(place)-\(value).so", bytes)
        }
        let host = FakeHost(caches: false)
        host.parameters = ["directory": folder.path, "limit": "100000", "symbol": "shown"]
        #expect(plugin.session(host) == [0])
        #expect(host.failures == [])
        let skipped = host.stats["skipped"].flatMap { Int($0) } ?? 0
        #expect(skipped >= whole.count && skipped < 4 * whole.count)
    }

    @Test func stopIsHonouredInTheMiddleOfALibrary() throws {
        let plugin = try SamplePlugin("SymbolIndex")
        let folder = try ScratchDirectory()
        var library = tinyLibrary
        let symbolsAt = library.count
        let symbolsSize = 24 * 5000
        let symbol = library[256 + 24..<256 + 48]
        let names = library[(256 + 24 * 6)...]
        for _ in 0..<5000 { library += symbol }
        library += names
        func put(_ value: Int, at offset: Int) {
            for index in 0..<8 { library[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
        }
        put(symbolsAt, at: 128 + 24)
        put(symbolsSize, at: 128 + 32)
        put(symbolsAt + symbolsSize, at: 192 + 24)
        try folder.write("libmany.so", library)
        for isStopped in [false, true] {
            let host = FakeHost(caches: false)
            host.stopAnswers = [false]  // before the library
            host.stopRequested = isStopped
            host.parameters = ["directory": folder.path, "symbol": "shown"]
            #expect(plugin.session(host) == [0])
            #expect(host.stats["symbols"] == (isStopped ? nil : "1"))
        }
    }

    @Test func itIndexesWhatThisMachineHas() throws {
        let plugin = try SamplePlugin("SymbolIndex")
        let host = FakeHost()
        host.parameters = ["limit": "60"]
        #expect(plugin.session(host) == [0])
        #expect(host.stats["libraries"].flatMap { Int($0) } ?? 0 > 0)
        // The stored form is read back by the next worker as it was.
        let before = host.stats
        let restarted = FakeHost()
        restarted.parameters = host.parameters
        restarted.diskCaches = host.diskCaches
        #expect(plugin.session(restarted) == [0])
        #expect(restarted.stats == before)
        #expect(restarted.diskCaches["index"]?.loads == 1)
    }

    @Test func missingDirectoryIsAnError() throws {
        let plugin = try SamplePlugin("SymbolIndex")
        let host = FakeHost()
        host.parameters = ["directory": "/nowhere"]
        #expect(plugin.session(host) == [2])
        #expect(host.failures.last?.hasPrefix("/nowhere: ") == true)
    }
}

extension FakeHost {
    /// The code of an HTTP failure: the status where there is one.
    fileprivate func lastCode(of failure: String) -> Int32 {
        failure == "answers 404" ? 404 : failure == "give http://else/" ? 302 : 1
    }
}

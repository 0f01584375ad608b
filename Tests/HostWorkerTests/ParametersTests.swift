import Testing

@testable import HostWorker

/// A routine's parameters as a plugin in C reads them.
@Suite("Parameters")
struct ParametersTests {
    private static func string(_ parameters: Parameters, _ name: String) -> String? {
        unsafe name.withCString { name in unsafe parameters.string(name).map { unsafe String(cString: $0) } }
    }

    private static func int(_ parameters: Parameters, _ name: String) -> Int64? {
        unsafe name.withCString { unsafe parameters.int($0) }
    }

    @Test("each name finds its own value, also where one name begins with another")
    func names() {
        let names = ["", "a", "ab", "abc", "b", "a.b", "a_b", "A", "é", "e\u{301}", "🙂", "z"]
        let members = names.enumerated().map { "\"\($1)\": \"value \($0)\"" }
        let parameters = Parameters(json: "{\(members.joined(separator: ", "))}")
        for (index, name) in names.enumerated() { #expect(Self.string(parameters, name) == "value \(index)") }
        for absent in ["abcd", "aa", "B", "e", "zz"] { #expect(Self.string(parameters, absent) == nil) }
    }

    @Test("two hundred of them", arguments: [0, 1, 2, 3, 200])
    func many(count: Int) {
        let members = (0..<count).map { "\"p\($0)\": \($0)" }
        let parameters = Parameters(json: "{\(members.joined(separator: ", "))}")
        for index in 0..<count { #expect(Self.int(parameters, "p\(index)") == Int64(index)) }
        #expect(Self.int(parameters, "p\(count)") == nil)
        #expect(Self.int(parameters, "p") == nil)
    }

    @Test("a value of another type is absent, but whole numbers are numbers of both kinds")
    func types() {
        let parameters = Parameters(
            json: #"{"i": 3, "d": 4.0, "f": 0.5, "s": "5", "b": true, "n": null, "a": [1], "o": {"i": 1}}"#)
        func both(_ name: String) -> (Int64?, Double?) {
            unsafe name.withCString { unsafe (parameters.int($0), parameters.double($0)) }
        }
        #expect(both("i") == (3, 3))
        #expect(both("d") == (4, 4))
        #expect(both("f") == (nil, 0.5))
        for name in ["s", "b", "n", "a", "o"] { #expect(both(name) == (nil, nil)) }
        unsafe "b".withCString { #expect(unsafe parameters.bool($0) == true && parameters.string($0) == nil) }
        unsafe "i".withCString { #expect(unsafe parameters.bool($0) == nil) }
    }

    @Test("of a name that is there twice the last value counts, and what is no object has none")
    func odd() {
        #expect(Self.int(Parameters(json: #"{"a": 1, "a": 2}"#), "a") == 2)
        for text in ["", "[1]", "{", "null"] { #expect(Self.int(Parameters(json: text), "a") == nil) }
        // A C string cannot name it, and it is not found by its beginning.
        #expect(Self.int(Parameters(json: #"{"a\u0000b": 1}"#), "a") == nil)
    }
}

import Glibc
import Testing

/// Builds the fixtures, and runs the checks that are scripts.
enum Fixtures {
    /// The repository.
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Builds a fixture in a scratch directory, and hands over the path of its `file`, which is gone afterwards.
    static func with(_ name: String, file: String, _ body: (String) throws -> Void) throws {
        var template = Array("/tmp/schedhost-fixtures-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe mkdtemp(start) != nil
        }
        try #require(made, "mkdtemp(3) failed")
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = shell("rm -rf '\(directory)'") }
        try #require(shell("'\(root)/Tests/Fixtures/build' '\(directory)' '\(name)'") == 0)
        try body("\(directory)/\(file)")
    }

    /// The exit status of a shell command, or a negative number. system(3).
    static func shell(_ command: String) -> Int32 {
        let status = unsafe system(command)
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -status
    }
}

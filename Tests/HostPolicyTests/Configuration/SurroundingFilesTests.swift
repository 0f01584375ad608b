import HostPolicy
import Testing

/// Which files a configuration takes values from.
@Suite struct SurroundingFilesTests {
    @Test func `files are found in all texts, and nothing else is one`() {
        let text = """
            { a: '${file:/run/key}', b: ['x${file:own}y', { c: '${env:HOME}$${file:/none}' }], d: 7, e: null,
              f: '${file:/run/key}${file:/two', g: "${file:\\u002ftwo}" }
            """
        #expect(Surrounding.files(in: Array(text.utf8)) == ["/run/key", "own", "/two"])
        #expect(Surrounding.files(in: Array("{".utf8)) == nil)
    }
}

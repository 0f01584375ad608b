import HostValues
import HostViews
import HostWire
import Testing

/// The page, as far as it can be judged without a browser, and what it is given of one routine.
@Suite struct PageTests {
    private static let page = String(decoding: ReportPage.live, as: UTF8.self)

    @Test func `a browser lets nothing that is text become markup`() {
        let head = String(decoding: HTTPResponse(type: "text/html", body: []).head(keepsAlive: true), as: UTF8.self)
        for text in [Self.page, head] {
            #expect(text.contains("require-trusted-types-for 'script'; trusted-types 'none'"))
        }
        // What a browser would refuse by that policy is not in the script, nor anything from elsewhere.
        for word in [
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "setAttribute(\"on", "src=",
            "@import", "url(",
        ] {
            #expect(!Self.page.contains(word), "\(word)")
        }
    }

    @Test func `each element that the script names is in the page`() throws {
        let named = Self.page.matches(of: #/\$\("([a-z-]+)"\)/#).map { String($0.1) }
        #expect(Set(named).count > 30)
        for name in Set(named).subtracting(["data"]) {
            #expect(Self.page.contains("id=\"\(name)\""), "\(name)")
        }
    }

    @Test(
        arguments: [
            ("id=a/b", "a/b"), ("x=1&id=a%2Fb%C3%A9", "a/bé"), ("id=", ""), ("id=a+b", "a+b"), ("id=%", nil),
            ("id=%2", nil), ("id=%zz", nil), ("id=%FF", nil), ("ids=a", nil), ("", nil), ("id=%00", "\0"),
        ] as [(String, String?)])
    func `a query's text is decoded, or refused`(query: String, text: String?) throws {
        let head = "GET /x?\(query) HTTP/1.1\r\nHost: h\r\n\r\n"
        guard case .request(let request, _) = HTTPRequest.read(Array(head.utf8)[...]) else {
            Issue.record("\(query)")
            return
        }
        #expect(request.text("id") == text)
    }

    @Test func `a routine's sheet is the status with the reason in words`() throws {
        let status = OperatingTests.status(routines: 1)
        let sheet = RoutineSheet(status.routines[0], at: status, sharing: 2, last: nil)
        let text = String(decoding: sheet.json(), as: UTF8.self)
        #expect(text.hasPrefix("{\"status\":" + String(decoding: status.json(), as: UTF8.self)))
        #expect(text.contains("\"why\":\"It waits for cycle 10") && text.hasSuffix("\"sharing\":2}"))
    }

    @Test func `a page as a file says why each routine does not run`() {
        let status = OperatingTests.status(routines: 2)
        let data = String(
            decoding: ReportPage.data(status: status, records: [], reports: [:], madeMs: 1), as: UTF8.self)
        #expect(data.contains("\"why\":{\"a/r0\":\"It waits") && data.contains("\"a/r1\":\"It is shut out"))
    }
}

import Testing

@testable import HostSupervisor

/// What a worker has of the host's environment.
@Suite struct WorkerEnvironmentTests {
    private static let environment = [
        "PATH=/bin", "LC_ALL=C", "SCHEDHOST_DATA=/d", "API_KEY=x", "MODE=fast", "SHLVL=1",
        "XDG_RUNTIME_DIR=/run/user/1",
        "PYTHONPATH=/p", "PATHOLOGY=1", "odd",
    ]

    @Test func `it has what programs need, and what is named`() {
        #expect(
            WorkerEnvironment(Self.environment).entries(with: ["MODE"])
                == ["PATH=/bin", "LC_ALL=C", "SCHEDHOST_DATA=/d", "MODE=fast", "PYTHONPATH=/p"])
    }

    @Test func `what may have been meant for plugins is told, without values`() {
        let text = WorkerEnvironment.notice(of: Self.environment, with: [])
        #expect(
            text?.contains("API_KEY, MODE, PATHOLOGY, odd of the environment") == true
                && text?.contains("fast") == false)
        #expect(WorkerEnvironment.notice(of: ["PATH=/bin", "SHLVL=1"], with: []) == nil)
        let many = (0..<12).map { "N\($0)=1" }
        #expect(WorkerEnvironment.notice(of: many, with: [])?.contains("and 2 more") == true)
    }
}

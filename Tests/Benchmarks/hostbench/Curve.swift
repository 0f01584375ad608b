import Foundation

/// How one figure grows: lines over a common axis, both logarithmic.
struct Curve {
    struct Line {
        /// What the reader sees; empty for the only one.
        let name: String
        /// What the measurement calls it.
        let key: String
        var points: [(x: Double, y: Double)] = []
    }

    let title: String
    let axis: String
    let unit: String
    var lines: [Line]
    /// Whether the axis counts bytes.
    private(set) var isBytes = false

    init(_ title: String, _ axis: String, _ unit: String, lines: [(name: String, key: String)]) {
        (self.title, self.axis, self.unit) = (title, axis, unit)
        self.lines = lines.map { Line(name: $0.name, key: $0.key) }
    }

    init(_ title: String, _ axis: String, _ unit: String, _ key: String) {
        self.init(title, axis, unit, lines: [("", key)])
    }

    func with(isBytes: Bool) -> Curve {
        var copy = self
        copy.isBytes = isBytes
        return copy
    }

    /// A place on the axis, in words.
    func place(_ x: Double) -> String {
        if isBytes { return Disk.title(Int(x)) }
        return x >= 1000 ? "\(Int(x) / 1000)k" : "\(Int(x))"
    }

    /// The figures as text, a line for each of the curve's.
    var table: String {
        lines.filter { !$0.points.isEmpty }.map { line in
            let name = line.name.isEmpty ? title : "\(title), \(line.name)"
            return "\(name) [\(unit)] by \(axis): "
                + line.points.map { "\(place($0.x)): \(figure($0.y))" }.joined(separator: ", ")
        }.joined(separator: "\n")
    }
}

/// What was measured on, for the reader of a figure.
enum Machine {
    static var text: String {
        func field(_ path: String, _ name: String) -> String? {
            Kernel.text(path).split(separator: "\n").first { $0.hasPrefix(name) }?.split(separator: ":").last.map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let memory = field("/proc/meminfo", "MemTotal").flatMap { $0.split(separator: " ").first }.flatMap {
            Double($0)
        }
        let kernel = Kernel.text("/proc/sys/kernel/osrelease").prefix { $0.isNumber || $0 == "." }
        return [
            "\(processors) x \(field("/proc/cpuinfo", "model name") ?? "processor")",
            memory.map { "\(Int(($0 / 1_048_576).rounded())) GiB" } ?? "", "Linux \(kernel)",
        ].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// The processes that want to run, as means of 1, 5 and 15 minutes.
    static var load: String {
        Kernel.text("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " ")
    }
}

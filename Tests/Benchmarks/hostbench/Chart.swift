import Foundation

/// Curves as small multiples in one SVG, by itself and readable on a light and on a dark background.
struct Chart {
    let title: String
    let subtitle: String
    let curves: [Curve]

    private static let columns = 3
    private static let cell = (width: 380.0, height: 270.0)
    private static let head = 86.0
    private static let foot = 34.0
    /// The space of a cell around its axes.
    private static let margin = (left: 56.0, right: 22.0, top: 62.0, bottom: 46.0)

    private static let style = """
        svg { background: #fff; font-family: system-ui, sans-serif; font-size: 11px; }
        text { fill: #222; } .quiet { fill: #666; } .title { font-size: 13px; font-weight: 600; }
        .head { font-size: 19px; font-weight: 600; } .grid { stroke: #e2e2e2; } .axis { stroke: #888; }
        .guide { stroke: #999; stroke-dasharray: 4 4; } .line { fill: none; stroke-width: 2; }
        .c0 { stroke: #0b62c4; } .c1 { stroke: #b85000; } .c2 { stroke: #1a7f37; }
        .d0 { fill: #0b62c4; } .d1 { fill: #b85000; } .d2 { fill: #1a7f37; }
        @media (prefers-color-scheme: dark) {
        svg { background: #14171a; } text { fill: #e8e8e8; } .quiet { fill: #a5a5a5; }
        .grid { stroke: #2c3136; } .axis { stroke: #777; } .guide { stroke: #777; }
        .c0 { stroke: #6cb2ff; } .c1 { stroke: #ff9d5c; } .c2 { stroke: #5fd080; }
        .d0 { fill: #6cb2ff; } .d1 { fill: #ff9d5c; } .d2 { fill: #5fd080; }
        }
        """

    var svg: String {
        let shown = curves.filter { curve in curve.lines.contains { !$0.points.isEmpty } }
        let rows = (shown.count + Self.columns - 1) / Self.columns
        let width = Self.cell.width * Double(Self.columns)
        let height = Self.head + Self.cell.height * Double(rows) + Self.foot
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" width="\(Int(width))" \
            height="\(Int(height))" role="img">
            <title>\(escaped(title))</title>
            <desc>\(escaped(shown.map(\.table).joined(separator: "\n")))</desc>
            <style>
            \(Self.style)
            </style>
            """,
            text(20, 34, title, "head"), text(20, 58, subtitle, "quiet"),
        ]
        for (number, curve) in shown.enumerated() {
            let x = Double(number % Self.columns) * Self.cell.width
            let y = Self.head + Double(number / Self.columns) * Self.cell.height
            parts.append("<g transform=\"translate(\(at(x)) \(at(y)))\">\n\(panel(curve, number))\n</g>")
        }
        parts.append(
            text(
                20, height - 14,
                "Both axes are logarithmic. Dashed: growth in proportion, through the last point of the highest line.",
                "quiet"))
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    private func panel(_ curve: Curve, _ number: Int) -> String {
        let box = (
            left: Self.margin.left, top: Self.margin.top, right: Self.cell.width - Self.margin.right,
            bottom: Self.cell.height - Self.margin.bottom
        )
        let points = curve.lines.flatMap(\.points)
        let horizontal = Scale(points.map(\.x), from: box.left, to: box.right, isWhole: false)
        let vertical = Scale(points.map(\.y), from: box.bottom, to: box.top, isWhole: true)
        var parts = [text(box.left, 22, "\(curve.title), \(curve.unit)", "title")]
        for y in vertical.decades {
            parts.append(line(box.left, vertical.at(y), box.right, vertical.at(y), "grid"))
            parts.append(text(box.left - 7, vertical.at(y) + 4, plain(y), "quiet", anchor: "end"))
        }
        for x in Set(points.map(\.x)).sorted() {
            parts.append(line(horizontal.at(x), box.top, horizontal.at(x), box.bottom, "grid"))
            parts.append(text(horizontal.at(x), box.bottom + 16, curve.place(x), "quiet", anchor: "middle"))
        }
        parts.append(line(box.left, box.bottom, box.right, box.bottom, "axis"))
        parts.append(text((box.left + box.right) / 2, box.bottom + 34, curve.axis, "quiet", anchor: "middle"))
        parts.append(
            "<clipPath id=\"box\(number)\"><rect x=\"\(at(box.left))\" y=\"\(at(box.top))\" "
                + "width=\"\(at(box.right - box.left))\" height=\"\(at(box.bottom - box.top))\"/></clipPath>")
        let ends = curve.lines.compactMap(\.points.last)
        if let last = ends.max(by: { $0.y < $1.y }) {
            let least = points.map(\.x).min() ?? last.x
            parts.append(
                line(
                    horizontal.at(least), vertical.at(last.y * least / last.x), horizontal.at(last.x),
                    vertical.at(last.y), "guide", clip: "box\(number)"))
        }
        var legend = box.left
        for (color, one) in curve.lines.enumerated() where !one.points.isEmpty {
            let path = one.points.enumerated().map { index, point in
                "\(index == 0 ? "M" : "L")\(at(horizontal.at(point.x))) \(at(vertical.at(point.y)))"
            }.joined(separator: " ")
            parts.append("<path class=\"line c\(color)\" d=\"\(path)\"/>")
            for (index, point) in one.points.enumerated() {
                let (x, y) = (horizontal.at(point.x), vertical.at(point.y))
                parts.append("<circle class=\"d\(color)\" cx=\"\(at(x))\" cy=\"\(at(y))\" r=\"3\"/>")
                // Several lines may lie upon each other: of these only the ends are told, and that of the lowest below it.
                let isLast = index == one.points.count - 1
                let isLow = ends.count > 1 && ends.allSatisfy { point.y <= $0.y }
                let anchor = isLast ? "end" : index == 0 ? "start" : "middle"
                if curve.lines.count == 1 || isLast {
                    parts.append(text(x, isLow ? y + 16 : y - 8, figure(point.y), "", anchor: anchor))
                }
            }
            if curve.lines.count > 1 {
                parts.append("<circle class=\"d\(color)\" cx=\"\(at(legend + 4))\" cy=\"37\" r=\"4\"/>")
                parts.append(text(legend + 12, 41, one.name, ""))
                legend += 26 + Double(one.name.count) * 6.2
            }
        }
        return parts.joined(separator: "\n")
    }

    /// Logarithms of figures, on a length. A figure of zero or less is drawn at the least one.
    private struct Scale {
        let low, high, from, to: Double

        init(_ figures: [Double], from: Double, to: Double, isWhole: Bool) {
            let logs = figures.filter { $0 > 0 }.map(log10)
            let (least, most) = (logs.min() ?? 0, logs.max() ?? 1)
            low = isWhole ? least.rounded(.down) : least
            high = max(low + 1, isWhole ? most.rounded(.up) : most)
            (self.from, self.to) = (from, to)
        }

        func at(_ figure: Double) -> Double {
            let part = ((figure > 0 ? log10(figure) : low) - low) / (high - low)
            return from + (to - from) * part
        }

        var decades: [Double] { (Int(low.rounded(.up))...Int(high.rounded(.down))).map { pow(10, Double($0)) } }
    }

    private func plain(_ decade: Double) -> String {
        switch decade {
        case 1e6...: "\(Int(decade / 1e6))M"
        case 1e3...: "\(Int(decade / 1e3))k"
        default: String(format: "%g", decade)
        }
    }

    private func at(_ place: Double) -> String { String(format: "%.1f", place) }

    private func text(_ x: Double, _ y: Double, _ text: String, _ style: String, anchor: String = "start") -> String {
        "<text x=\"\(at(x))\" y=\"\(at(y))\" class=\"\(style)\" text-anchor=\"\(anchor)\">\(escaped(text))</text>"
    }

    private func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String, clip: String? = nil
    ) -> String {
        let clipping = clip.map { " clip-path=\"url(#\($0))\"" } ?? ""
        return
            "<line class=\"\(style)\" x1=\"\(at(x1))\" y1=\"\(at(y1))\" x2=\"\(at(x2))\" y2=\"\(at(y2))\"\(clipping)/>"
    }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}

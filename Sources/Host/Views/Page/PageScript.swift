/// The JavaScript of the page, in one piece: the page's policy allows one script, by its hash.
enum PageScript {
    static let text =
        PageTools.script + PageCharts.script + PageOverview.script + PageSessions.script + PageRoutine.script
        + PageRefresh.script
}

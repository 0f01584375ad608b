extension ReportPage {
    /// The style sheet, for light and dark colour schemes.
    static let style = #"""
        :root {
          --back: #f6f7f9; --card: #fff; --text: #1b1f24; --quiet: #5d6672; --line: #dde1e6; --accent: #2563c9;
          --good: #1a7f4b; --bad: #c62b2b; --warn: #a66300; --off: #7a828c;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #13161a; --card: #1c2026; --text: #e6e9ed; --quiet: #9aa4b0; --line: #2e343c; --accent: #6ea3f5;
            --good: #4fc182; --bad: #ff7b72; --warn: #e0a346; --off: #838c97;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
        header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; padding: 14px 24px;
          border-bottom: 1px solid var(--line); background: var(--card); }
        header p { margin: 0; color: var(--quiet); }
        #fresh { margin-left: auto; }
        #fresh.bad { color: var(--bad); font-weight: 600; }
        h1 { margin: 0; font-size: 18px; }
        h2 { margin: 0 0 8px; font-size: 15px; }
        main { max-width: 1500px; margin: 0 auto; padding: 16px 24px 40px; display: grid; gap: 16px;
          grid-template-columns: minmax(0, 1fr); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }
        .bar { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 8px 16px;
          margin-bottom: 8px; }
        .bar h2 { margin: 0; }
        input[type=search] { width: 240px; padding: 5px 9px; color: inherit; background: var(--back);
          border: 1px solid var(--line); border-radius: 6px; font: inherit; }
        label { color: var(--quiet); }
        #sums { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 10px; }
        #sums div { padding: 8px 12px; border: 1px solid var(--line); border-radius: 6px; }
        #sums b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
        #sums span { color: var(--quiet); }
        #sums .bad b { color: var(--bad); }
        #limits p { margin: 8px 0 0; overflow-wrap: anywhere; }
        #refused p { margin: 8px 0 0; color: var(--bad); overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; max-height: 560px; overflow-y: auto; }
        table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
        th { position: sticky; top: 0; padding: 5px 8px; background: var(--card); color: var(--quiet); font-weight: 600;
          text-align: left; box-shadow: inset 0 -1px var(--line); }
        td { padding: 4px 8px; border-bottom: 1px solid var(--line); }
        tbody tr:last-child td { border-bottom: 0; }
        th.n, td.n { text-align: right; }
        th button { all: unset; cursor: pointer; }
        th button:focus-visible, tr:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
        th[aria-sort=ascending] button::after { content: " ▲"; font-size: 9px; }
        th[aria-sort=descending] button::after { content: " ▼"; font-size: 9px; }
        #records tbody tr, #routines tbody tr { cursor: pointer; }
        #records tbody tr:hover, #routines tbody tr:hover { background: var(--back); }
        .own { display: flex; flex-wrap: wrap; gap: 4px; }
        td.text { max-width: 420px; overflow: hidden; text-overflow: ellipsis; }
        td.words { white-space: normal; overflow-wrap: anywhere; }
        td.bad { color: var(--bad); }
        .state { display: inline-block; padding: 0 8px; border: 1px solid currentColor; border-radius: 10px;
          font-size: 12px; color: var(--off); }
        .state.running, .state.waiting, .state.starting { color: var(--good); }
        .state.paused, .state.backing_off, .state.failing, .state.ending { color: var(--warn); }
        .why { display: block; max-width: 320px; white-space: normal; overflow-wrap: anywhere; color: var(--quiet); font-size: 12px; }
        .state.quarantined { color: var(--bad); }
        svg { display: block; }
        .trend { stroke: var(--accent); fill: none; stroke-width: 1.5; }
        .spread { fill: var(--accent); }
        .lane { fill: var(--back); }
        .session { fill: var(--good); }
        .session.open { fill: var(--accent); }
        .session.failed { fill: var(--bad); }
        .session[tabindex] { cursor: pointer; }
        .axis { fill: var(--quiet); font-size: 11px; }
        .name { fill: var(--text); font-size: 12px; }
        .key { display: flex; gap: 16px; margin: 6px 0 0; color: var(--quiet); }
        .key i { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 2px; }
        #more { margin: 8px 0 0; color: var(--quiet); }
        #more:empty { display: none; }
        #more button, dialog button { padding: 3px 12px; color: inherit; background: var(--back);
          border: 1px solid var(--line); border-radius: 6px; font: inherit; cursor: pointer; }
        dialog { width: min(900px, 94vw); max-height: 88vh; padding: 16px 20px; color: var(--text);
          background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        dialog::backdrop { background: rgb(0 0 0 / 45%); }
        dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 18px; margin: 0; }
        dt { color: var(--quiet); }
        dd { margin: 0; overflow-wrap: anywhere; }
        pre { max-height: 340px; margin: 14px 0 0; padding: 10px; overflow: auto; background: var(--back);
          border: 1px solid var(--line); border-radius: 6px; font-size: 12px; }
        .empty { margin: 0; color: var(--quiet); }
        @media (max-width: 1350px) { .wide { display: none; } }
        @media (max-width: 1000px) { .middle { display: none; } }
        @media (max-width: 700px) {
          .small { display: none; }
          main { padding: 10px; } header { padding: 10px 14px; } section { padding: 10px; }
          td, th { padding: 4px 5px; } .why { max-width: 190px; } #records td:first-child { white-space: normal; }
          #records td:nth-child(4), #records th:nth-child(4) { display: none; }
          input[type=search] { width: 100%; }
        }

        """#
}

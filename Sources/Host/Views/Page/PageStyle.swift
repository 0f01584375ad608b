/// The style sheet of the page, for light and dark colour schemes.
enum PageStyle {
    static let text = #"""
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
        h3 { margin: 10px 0 2px; font-size: 13px; color: var(--quiet); }
        h4 { margin: 14px 0 6px; font-size: 13px; }
        a { color: inherit; text-decoration: none; }
        td a, .back a { color: var(--accent); }
        a:hover { text-decoration: underline; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
        [hidden] { display: none !important; }
        td, dd, li b, li span, p, h2, a { unicode-bidi: isolate; }
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
        #routine .bar { justify-content: flex-start; }
        #routine .bar > :last-child:not(:first-child):not(.state) { margin-left: auto; }
        .back { margin: 0 0 6px; }
        #r-title { margin: 0; font-size: 18px; overflow-wrap: anywhere; outline: none; }
        #r-why { max-width: 80ch; margin: 0 0 12px; overflow-wrap: anywhere; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 8px 18px; margin: 0; white-space: normal; }
        .facts dt { color: var(--quiet); font-size: 12px; }
        .facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 8px 24px; }
        #r-ranges { display: flex; gap: 4px; }
        #r-ranges [aria-pressed=true] { color: var(--card); background: var(--accent); border-color: var(--accent); }
        .readout { min-height: 1.45em; margin: 0; color: var(--quiet); font-variant-numeric: tabular-nums; }
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
        th[aria-sort=ascending] button::after { content: " ▲"; font-size: 9px; }
        th[aria-sort=descending] button::after { content: " ▼"; font-size: 9px; }
        #records tbody tr, #routines tbody tr { cursor: pointer; }
        #records tbody tr:hover, #routines tbody tr:hover { background: var(--back); }
        #r-sessions .session-row { cursor: pointer; }
        #r-sessions .session-row:hover { background: var(--back); }
        #routine .all { max-height: none; }
        .opens { all: unset; color: var(--accent); cursor: pointer; }
        .opens::before { content: "▸ "; }
        .opens[aria-expanded=true]::before { content: "▾ "; }
        .detail { width: 0; min-width: 100%; padding: 8px 4px 14px; white-space: normal; }
        .happened { margin: 0 0 6px; font-weight: 600; overflow-wrap: anywhere; }
        .frames { margin: 0; padding: 0 0 0 34px; }
        .frames li { padding: 2px 0; overflow-wrap: anywhere; }
        .frames li::marker { color: var(--quiet); font-variant-numeric: tabular-nums; }
        .frames b { font: 600 13px/1.4 ui-monospace, monospace; }
        .frames .place { margin-left: 8px; color: var(--accent); font: 13px/1.4 ui-monospace, monospace; }
        .frames .image { margin-left: 8px; color: var(--quiet); }
        .frames .system b { color: var(--quiet); font-weight: 400; }
        .lines { width: 100%; }
        .lines td { border: 0; padding: 1px 8px; vertical-align: top; }
        .lines td.words, #r-log td.words { font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
        #r-log td, #log td { vertical-align: top; }
        #r-log td:not(.words), #log td:not(.words) { width: 1%; }
        td.text { max-width: 420px; overflow: hidden; text-overflow: ellipsis; }
        td.words { white-space: normal; overflow-wrap: anywhere; }
        td.bad { color: var(--bad); }
        td.warn { color: var(--warn); }
        .state { display: inline-block; padding: 0 8px; border: 1px solid currentColor; border-radius: 10px;
          font-size: 12px; color: var(--off); }
        .state.running, .state.waiting, .state.starting { color: var(--good); }
        .state.paused, .state.backing_off, .state.failing, .state.ending { color: var(--warn); }
        .why { display: block; max-width: 320px; white-space: normal; overflow-wrap: anywhere; color: var(--quiet); font-size: 12px; }
        .state.quarantined { color: var(--bad); }
        svg { display: block; }
        .trend { stroke: var(--accent); fill: none; stroke-width: 1.5; }
        .spread { fill: var(--accent); }
        .line { stroke: var(--accent); fill: none; stroke-width: 1.6; }
        .line.worst { stroke: var(--warn); stroke-width: 1.2; }
        .grid { stroke: var(--line); }
        .cursor { stroke: var(--quiet); stroke-dasharray: 3 3; }
        .failure { fill: var(--bad); }
        .lane { fill: var(--back); }
        .session { fill: var(--good); }
        .session.open { fill: var(--accent); }
        .session.failed { fill: var(--bad); }
        .session { cursor: pointer; }
        .axis { fill: var(--quiet); font-size: 11px; }
        .name { fill: var(--text); font-size: 12px; }
        .key { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0 0; color: var(--quiet); }
        .key i { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 2px; }
        .key .median { background: var(--accent); } .key .worst { background: var(--warn); } .key .failed { background: var(--bad); }
        .more { margin: 8px 0 0; color: var(--quiet); }
        .more:empty { display: none; }
        .more button, #r-ranges button { padding: 3px 12px; color: inherit; background: var(--back);
          border: 1px solid var(--line); border-radius: 6px; font: inherit; cursor: pointer; }
        pre { max-height: 340px; margin: 0; padding: 10px; overflow: auto; background: var(--back);
          border: 1px solid var(--line); border-radius: 6px; font-size: 12px; }
        .empty { margin: 0; color: var(--quiet); }
        @media (max-width: 1350px) { .wide { display: none; } }
        @media (max-width: 1000px) { .middle { display: none; } }
        @media (max-width: 700px) {
          .small { display: none; }
          main { padding: 10px; } header { padding: 10px 14px; } section { padding: 10px; }
          td, th { padding: 4px 5px; } .why { max-width: 190px; } #records td:first-child { white-space: normal; }
          #records .text, #r-sessions .text { display: none; } #r-sessions td:first-child { white-space: normal; }
          #log tr, #r-log tr, .lines tr { display: block; padding: 4px 0; border-bottom: 1px solid var(--line); }
          #log td, #r-log td, .lines td { display: inline; padding: 0 8px 0 0; border: 0; white-space: normal; }
          #log td.words, #r-log td.words, .lines td.words { display: block; }
          #routines td:first-child { min-width: 112px; white-space: normal; overflow-wrap: anywhere; }
          .facts { grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); }
          input[type=search] { width: 100%; }
        }

        """#
}

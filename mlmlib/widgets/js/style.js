// The look of every lab. Colors are Okabe and Ito's, with one meaning in the whole book: data gray, pooled orange,
// unpooled blue, partially pooled (the model) vermilion, fixed part black. The -ink forms are for text.

export const colors = {
  light: `--fg:#1d2329; --muted:#57606a; --bg:#ffffff; --panel:#f5f7f9; --edge:#d5dbe1; --axis:#8a939c; --grid:#e9edf0;
    --data:#8c8c8c; --data-ink:#606468; --pooled:#E69F00; --pooled-ink:#8f6100; --unpooled:#0072B2; --unpooled-ink:#00639b;
    --model:#D55E00; --model-ink:#a84800; --fixed:#000000; --fixed-ink:#000000; --good:#009E73; --good-ink:#006f51;
    --sky:#56B4E9; --purple:#CC79A7; --yellow:#F0E442; --off:#d9dee3; --miss:#c8103e; --focus:#0a58ca; --button:#ffffff;`,
  dark: `--fg:#e8ecf0; --muted:#a9b3bd; --bg:#15191e; --panel:#1e242b; --edge:#39424c; --axis:#78828c; --grid:#262d35;
    --data:#9a9a9a; --data-ink:#b6bec6; --pooled:#E69F00; --pooled-ink:#f2b63d; --unpooled:#4aa8e0; --unpooled-ink:#6db9ec;
    --model:#f07a1f; --model-ink:#f79a53; --fixed:#ffffff; --fixed-ink:#ffffff; --good:#12b886; --good-ink:#3fd3a7;
    --sky:#56B4E9; --purple:#d98fb9; --yellow:#F0E442; --off:#333c45; --miss:#ff5c7c; --focus:#7db4ff; --button:#2a323b;`,
};

export const css = `
:host { display: block; container-type: inline-size; margin: 1.5rem 0; scroll-margin-top: 4.5rem; ${colors.light} color-scheme: light; }
:host([data-mode=dark]) { ${colors.dark} color-scheme: dark; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
sub, sup { line-height: 0; }
.lab { color: var(--fg); background: var(--bg); border: 1px solid var(--edge); border-radius: 10px; padding: 1rem 1.1rem;
  font: 400 15px/1.45 var(--sans, system-ui), -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h3 { font-size: 1.15rem; line-height: 1.25; margin: 0; }
h3 small { display: block; font-size: .74rem; letter-spacing: .06em; text-transform: uppercase; color: var(--muted); font-weight: 600; }
.idea { margin: .25rem 0 .8rem; color: var(--muted); max-width: 62ch; }
.body { display: grid; gap: .8rem 1.2rem; grid-template: "controls" "stage" "readouts" / minmax(0, 1fr); }
.controls { grid-area: controls; } .picture { grid-area: stage; min-width: 0; } .readouts { grid-area: readouts; align-self: start; }
@container (min-width: 700px) {
  .body { grid-template: "stage controls" auto "stage readouts" 1fr / minmax(0, 1fr) 15.5rem; }
}
svg { display: block; width: 100%; height: auto; overflow: visible; user-select: none; -webkit-user-select: none; }
svg text { font-family: inherit; }
svg .label { font-size: 13px; paint-order: stroke; stroke: var(--bg); stroke-width: 3.5px; stroke-linejoin: round; }
svg .tick { font-size: 12px; font-variant-numeric: tabular-nums; }
svg .axis-name { font-size: 13px; }
svg .big { font-size: 20px; font-weight: 650; paint-order: stroke; stroke: var(--bg); stroke-width: 4px; }
.handle, .handle * { touch-action: none; }
.handle { cursor: grab; outline: none; }
.handle.x { cursor: ew-resize; } .handle.y { cursor: ns-resize; }
.handle.held { cursor: grabbing; }
.handle .ring { stroke: transparent; stroke-width: 2.5; }
.handle:hover .ring { stroke: var(--axis); stroke-width: 1.5; }
.handle:focus-visible .ring, .handle.held .ring { stroke: var(--focus); stroke-width: 2.5; }
.lead { margin-bottom: .7rem; display: flex; gap: .5rem; flex-wrap: wrap; align-items: end; } .lead:empty { display: none; }
.stage { position: relative; }
.over > * { position: absolute; transform: translateY(-50%); }
.over .check { align-items: center; font-size: 13px; line-height: 1.2; min-height: 26px; }
.over .check input { margin: 0; }
.over .check:has(:disabled) { color: var(--muted); cursor: default; }
.controls { display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
.control { display: grid; gap: .1rem; align-content: start; }
.control .top { display: flex; justify-content: space-between; align-items: baseline; gap: .6rem; }
label, .check { font-size: .88rem; }
output { font-variant-numeric: tabular-nums; font-weight: 600; font-size: .9rem; white-space: nowrap; }
input[type=range] { width: 100%; margin: 0; height: 26px; accent-color: var(--focus); cursor: pointer; }
select, button { font: inherit; font-size: .88rem; color: var(--fg); background: var(--button); border: 1px solid var(--axis);
  border-radius: 6px; min-height: 32px; padding: .2rem .6rem; cursor: pointer; }
select { width: 100%; }
button:hover { border-color: var(--fg); }
button.main { background: var(--fg); color: var(--bg); border-color: var(--fg); font-weight: 600; touch-action: manipulation; }
button:disabled { opacity: .45; cursor: default; }
button.main:active { transform: translateY(1px); }
.check { display: flex; gap: .5rem; align-items: flex-start; cursor: pointer; }
.check input { width: 18px; height: 18px; margin: .1rem 0 0; flex: none; accent-color: var(--focus); }
:is(button, select, input, summary, a):focus-visible { outline: 2.5px solid var(--focus); outline-offset: 2px; }
.readouts { columns: 13rem; column-gap: 1.4rem; margin: 0;
  background: var(--panel); border-radius: 8px; padding: .5rem .7rem; }
.readouts div { break-inside: avoid; display: flex; justify-content: space-between; gap: .6rem; align-items: baseline; padding: .16rem 0; }
.readouts dt { font-size: .84rem; color: var(--muted); }
.readouts dt i { font-family: "Latin Modern Math", "STIX Two Math", Cambria, Georgia, serif; font-size: 1.05em; color: var(--fg); }
.hat { position: relative; }
.hat::after { content: "ˆ"; position: absolute; left: .08em; right: 0; top: -.32em; text-align: center; font-style: normal; }
.readouts dd { margin: 0; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
.readouts .ink-pooled dd { color: var(--pooled-ink); } .readouts .ink-unpooled dd { color: var(--unpooled-ink); }
.readouts .ink-model dd { color: var(--model-ink); } .readouts .ink-good dd { color: var(--good-ink); }
.says { margin: .1rem 0 0; font-size: .92rem; max-width: 68ch; }
.tries { margin: .9rem 0 0; }
.tries h4 { margin: 0 0 .3rem; font-size: .92rem; }
.tries ol { margin: 0; padding-left: 1.3rem; }
.tries li { margin: .3rem 0; max-width: 68ch; }
.tries summary { cursor: pointer; color: var(--muted); font-size: .86rem; padding: .15rem 0; width: fit-content; }
.tries details p { margin: .2rem 0 .3rem; padding: .45rem .7rem; border-left: 3px solid var(--model); background: var(--panel); }
.tools { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; align-items: center; }
.tools .note { font-size: .84rem; color: var(--muted); }
.tools .note a { color: inherit; overflow-wrap: anywhere; }
.sheet { overflow-x: auto; margin-top: .8rem; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { padding: .18rem .7rem .18rem 0; text-align: right; border-bottom: 1px solid var(--edge); }
th:first-child, td:first-child { text-align: left; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) { .glide { transition: all .18s ease-out; } }
@media print {
  :host([data-mode=dark]) { ${colors.light} color-scheme: light; }
  .lab { border-color: #999; break-inside: avoid; }
  .controls, .tools, .tries summary { display: none; }
  .sheet[hidden] { display: block !important; }
}
`;

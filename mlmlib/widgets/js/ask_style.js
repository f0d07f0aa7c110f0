// The look of a self-check. It stands in the page itself (its math needs the page's typesetter), so every rule is prefixed.

export const askCss = `
.mlm-ask { --a-fg: #1d2329; --a-muted: #57606a; --a-bg: #ffffff; --a-panel: #f5f7f9; --a-edge: #8a939c; --a-hair: #d5dbe1; --a-good: #006f51;
  --a-bad: #a84800; --a-focus: #0a58ca; color: var(--a-fg); margin: .6rem 0; }
.mlm-ask[data-mode=dark] { --a-fg: #e8ecf0; --a-muted: #a9b3bd; --a-bg: #15191e; --a-panel: #1e242b; --a-edge: #78828c; --a-hair: #39424c; --a-good: #3fd3a7;
  --a-bad: #f79a53; --a-focus: #7db4ff; color-scheme: dark; }
.mlm-ask fieldset { border: 1px solid var(--a-hair); border-left: 4px solid var(--a-edge); border-radius: 8px; padding: .8rem 1rem; margin: 0; min-width: 0;
  background: var(--a-bg); }
.mlm-ask[data-state=right] fieldset { border-left-color: var(--a-good); }
.mlm-ask[data-state=wrong] fieldset { border-left-color: var(--a-bad); }
.mlm-ask legend { float: left; width: 100%; padding: 0; margin: 0 0 .5rem; font-size: 1rem; font-weight: 600; border: 0; color: var(--a-fg); }
.mlm-ask legend + * { clear: both; }
.mlm-ask legend p, .mlm-ask .reply p { margin: 0 0 .4rem; }
.mlm-ask legend p:last-child, .mlm-ask .reply p:last-child { margin-bottom: 0; }
.mlm-ask .option { display: flex; gap: .6rem; align-items: flex-start; padding: .38rem .5rem; margin: 0; border-radius: 6px; cursor: pointer; font-weight: 400; }
.mlm-ask .option:hover { background: var(--a-panel); }
.mlm-ask .option input { width: 18px; height: 18px; margin: .2rem 0 0; flex: none; accent-color: var(--a-focus); cursor: pointer; }
.mlm-ask .option .mark { margin-left: auto; font-weight: 700; flex: none; padding: 0 0 0 .5rem; background: none; }
.mlm-ask .option.was-right { background: color-mix(in srgb, var(--a-good) 12%, transparent); }
.mlm-ask .option.was-wrong { background: color-mix(in srgb, var(--a-bad) 12%, transparent); }
.mlm-ask .was-right .mark { color: var(--a-good); } .mlm-ask .was-wrong .mark { color: var(--a-bad); }
.mlm-ask .entry { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.mlm-ask input[type=text] { font: inherit; font-variant-numeric: tabular-nums; color: var(--a-fg); background: var(--a-bg); border: 1px solid var(--a-edge);
  border-radius: 6px; padding: .25rem .6rem; min-height: 34px; width: 9.5rem; max-width: 100%; }
.mlm-ask .unit { color: var(--a-muted); }
.mlm-ask button { font: inherit; font-size: .9rem; color: var(--a-fg); background: var(--a-bg); border: 1px solid var(--a-edge); border-radius: 6px; min-height: 34px;
  padding: .2rem .8rem; cursor: pointer; }
.mlm-ask button:hover { border-color: var(--a-fg); }
.mlm-ask button[type=submit] { background: var(--a-fg); color: var(--a-bg); border-color: var(--a-fg); font-weight: 600; }
.mlm-ask button[hidden] { display: none; }
.mlm-ask :is(button, input, a, summary):focus-visible { outline: 2.5px solid var(--a-focus); outline-offset: 2px; box-shadow: none; }
.mlm-ask .row { display: flex; flex-wrap: wrap; gap: .5rem; margin: .7rem 0 0; align-items: center; }
.mlm-ask .row > * { width: auto; margin: 0; flex: none; }  /* the theme's grid has a .row too, and stretches what is in it */
.mlm-ask .reply:not(:empty) { margin-top: .7rem; padding: .55rem .8rem; background: var(--a-panel); border-left: 3px solid var(--a-edge); border-radius: 0 6px 6px 0; }
.mlm-ask .reply b.verdict { margin-right: .35rem; }
.mlm-ask .reply.right { border-left-color: var(--a-good); } .mlm-ask .reply.right .verdict { color: var(--a-good); }
.mlm-ask .reply.wrong { border-left-color: var(--a-bad); } .mlm-ask .reply.wrong .verdict { color: var(--a-bad); }
.mlm-ask .hints { margin: .6rem 0 0; padding-left: 1.3rem; } .mlm-ask .hints:empty { display: none; }
.mlm-ask .hints li { margin: .2rem 0; } .mlm-ask .hints li p { margin: 0; }
.mlm-ask .rule { color: var(--a-muted); font-size: .84rem; margin: .35rem 0 0; }
.mlm-ask progress { width: 10rem; height: .8rem; accent-color: var(--a-good); vertical-align: middle; }
.mlm-ask .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media print { .mlm-ask .row, .mlm-ask button { display: none; } .mlm-ask fieldset { break-inside: avoid; } }
`;

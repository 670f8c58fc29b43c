// The one style sheet. Colours are chosen for a contrast of at least 4.5 to 1, text on its ground, in both schemes.

export const STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --text: #1b2430; --soft: #55606e; --link: #1357c0;
  --ok: #177245; --ok-ground: #e3f4ea; --warn: #8a5300; --warn-ground: #fdf0d8; --bad: #b3261e; --bad-ground: #fce8e6; --plan: #2a5db0; --plan-ground: #e6eefb;
  --bar-ok: #2da866; --bar-warn: #e0a030; --bar-bad: #d84a41; --bar-plan: #6d94dc; --bar-none: #d3d8df; }
@media (prefers-color-scheme: dark) { :root { --ground: #10151c; --card: #19212b; --line: #2c3643; --text: #e7ecf2; --soft: #a3afbd; --link: #8ab4f8;
  --ok: #6fd6a0; --ok-ground: #14301f; --warn: #f2c266; --warn-ground: #382a10; --bad: #ff9d95; --bad-ground: #3c1a18; --plan: #a5c3fa; --plan-ground: #1a2942;
  --bar-ok: #37b673; --bar-warn: #d99b2f; --bar-bad: #e2635b; --bar-plan: #5f87d1; --bar-none: #333e4c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: clamp(1.35rem, 4vw, 1.75rem); line-height: 1.25; margin: 0 0 1rem; letter-spacing: -0.01em; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 0.75rem; }
h3 { font-size: 1rem; margin: 0; }
h4, h5, h6 { font-size: 0.95rem; margin: 0.75rem 0 0; }
p { margin: 0.5rem 0; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.soft { color: var(--soft); font-size: 0.9rem; font-weight: 400; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.15rem; margin: 0.75rem 0; }
.banner { display: flex; gap: 0.85rem; align-items: center; border-radius: 12px; padding: 1.1rem 1.25rem; font-size: 1.15rem; font-weight: 600; border: 1px solid transparent; }
.banner .soft { color: inherit; }
.banner + h2 { margin-top: 1.75rem; }
.banner svg { flex: none; width: 1.75rem; height: 1.75rem; }
.ok { color: var(--ok); } .warn { color: var(--warn); } .bad { color: var(--bad); } .plan { color: var(--plan); } .none { color: var(--soft); }
.banner.ok { background: var(--ok-ground); border-color: var(--ok); } .banner.warn { background: var(--warn-ground); border-color: var(--warn); }
.banner.bad { background: var(--bad-ground); border-color: var(--bad); } .banner.plan { background: var(--plan-ground); border-color: var(--plan); }
.row { display: flex; justify-content: space-between; align-items: baseline; gap: 0.25rem 1rem; flex-wrap: wrap; }
.state { font-weight: 600; font-size: 0.95rem; }
.dot { display: inline-block; width: 0.6em; height: 0.6em; border-radius: 50%; background: currentColor; margin-right: 0.45em; }
.bars { display: block; width: 100%; height: 2.5rem; margin: 0.75rem 0 0.35rem; }
.bars .up { fill: var(--bar-ok); } .bars .short { fill: var(--bar-warn); } .bars .long { fill: var(--bar-bad); } .bars .planned { fill: var(--bar-plan); } .bars .unknown { fill: var(--bar-none); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 0.75rem; margin: 0.75rem 0; padding: 0; list-style: none; }
.figures li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 0.85rem 1rem; }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; line-height: 1.2; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; margin: 0.5rem 0 0; list-style: none; }
.legend svg { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.4em 0 0; }
.pill { display: inline-block; border-radius: 999px; padding: 0.1rem 0.65rem; font-size: 0.85rem; font-weight: 600; }
.pill.ok { background: var(--ok-ground); } .pill.warn { background: var(--warn-ground); } .pill.bad { background: var(--bad-ground); } .pill.plan { background: var(--plan-ground); }
.incident { border-left: 4px solid var(--line); } .incident.warn { border-left-color: var(--bar-warn); } .incident.bad { border-left-color: var(--bar-bad); } .incident.plan { border-left-color: var(--bar-plan); } .incident.ok { border-left-color: var(--bar-ok); }
.incident h3, .incident .body { color: var(--text); }
.card > :last-child, .body > :last-child { margin-bottom: 0; }
code { background: var(--ground); border: 1px solid var(--line); border-radius: 4px; padding: 0 0.25em; font-size: 0.9em; }
table { border-collapse: collapse; width: 100%; font-size: 0.95rem; } th, td { text-align: left; padding: 0.35rem 0.5rem 0.35rem 0; border-bottom: 1px solid var(--line); font-weight: 400; } thead th { font-weight: 600; } tr:last-child > * { border-bottom: 0; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

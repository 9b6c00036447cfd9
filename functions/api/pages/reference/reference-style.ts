/** The page's only style; its policy allows this text and no other. */
export const REFERENCE_STYLE = `
:root { color-scheme: light dark; --ground: #faf8f4; --card: #fff; --ink: #1c1b19; --soft: #635f58; --line: #e2ddd3; --accent: #a63d16; --mark: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #161513; --card: #1f1d1a; --ink: #f2efe9; --soft: #b3aea4; --line: #35322c; --accent: #ffab82; --mark: #2a0f04; } }
html { scroll-padding-top: 1rem; }
body { font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Ubuntu, Cantarell, 'Helvetica Neue', Arial, sans-serif; max-width: 78rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; box-sizing: border-box; background: var(--ground); color: var(--ink); overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
header { display: flex; align-items: center; gap: 1.25rem; }
header .name { display: flex; align-items: center; gap: .5rem; color: var(--ink); font-size: 1.15rem; font-weight: 700; text-decoration: none; }
.mark { width: 1.6rem; height: 1.6rem; }
.mark rect { fill: var(--accent); }
.mark path { fill: none; stroke: var(--mark); stroke-width: 3; }
h1 { margin: 1.5rem 0 .75rem; font-size: 1.6rem; letter-spacing: -.02em; }
section h3 { margin: 0 0 .25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
h4 { margin: 1.25rem 0 .25rem; font-size: .9rem; }
section { margin-top: 1.25rem; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
section:target { border-color: var(--accent); }
code, pre { font: .85em/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--ground); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; width: 30%; }
.columns { display: grid; grid-template-columns: 18rem minmax(0, 1fr); gap: 2.5rem; align-items: start; }
.side { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding-block: 1rem; font-size: .875rem; }
.side summary { padding: .15rem 0; font-weight: 600; cursor: pointer; }
.side ul { margin: .15rem 0 .6rem; padding: 0 0 0 .9rem; list-style: none; }
.side li { padding: .1rem 0; }
.side a { color: var(--ink); text-decoration: none; }
.side a:hover { text-decoration: underline; }
.group { margin: 2.5rem 0 0; font-size: 1.35rem; letter-spacing: -.01em; }
.method { display: inline-block; min-width: 3.6rem; color: var(--accent); font-weight: 700; }
button, input, textarea { box-sizing: border-box; max-width: 100%; padding: .4rem .7rem; border: 1px solid var(--soft); border-radius: .5rem; background: var(--card); color: inherit; font: inherit; }
button { cursor: pointer; }
textarea { width: 100%; font: .85em/1.45 ui-monospace, Menlo, Consolas, monospace; }
.try form { display: grid; gap: .6rem; justify-items: start; margin-top: .6rem; }
.try label { display: grid; gap: .2rem; width: 100%; font-size: .875rem; font-weight: 600; }
.try img { max-width: 16rem; border-radius: .5rem; }
@media (max-width: 56rem) { .columns { display: block; } .side { position: static; max-height: 40vh; } }
`;

// Draws the diagrams of a page in the colours of its theme, again when the theme changes. A diagram that cannot be drawn
// stays a text.
const diagrams = [...document.querySelectorAll('pre.mermaid')].map((element) => [element, element.textContent]);
const flowchart = { useMaxWidth: false }; // a wide diagram scrolls: texts that are made to fit are too small
const system = matchMedia('(prefers-color-scheme: dark)');
let drawn = null;
let drawing = Promise.resolve();

function theme() {
  const chosen = document.body.dataset.theme;
  return chosen === 'dark' || (chosen !== 'light' && system.matches) ? 'dark' : 'neutral';
}

async function draw() {
  if (drawn === theme()) return;
  drawn = theme();
  mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', suppressErrorRendering: true, theme: drawn, flowchart });
  for (const [number, [element, text]] of diagrams.entries()) {
    element.innerHTML = (await mermaid.render(`diagram-${number}`, text)).svg;
  }
}

// One after the other: the library draws one diagram at a time.
const redraw = () => { drawing = drawing.then(draw, draw); };
new MutationObserver(redraw).observe(document.body, { attributeFilter: ['data-theme'] });
system.addEventListener('change', redraw);
redraw();

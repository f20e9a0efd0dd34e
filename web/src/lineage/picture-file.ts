// The picture as a file of its own: SVG with every style as an attribute, and PNG drawn from it. The policy of the page lets
// no image load an SVG of a script, so the shapes of the picture are drawn on a canvas one by one.
const NAMESPACE = 'http://www.w3.org/2000/svg';
const STYLES = [
  'fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin', 'opacity', 'font-family', 'font-size',
  'font-weight', 'text-anchor', 'paint-order',
];
const OF_THE_PAGE = /^(class|tabindex|role|style|data-.*|aria-.*)$/;
const MARGIN = 24;
const LINE = 18;
const CHARACTER = 6.4; // pixels of a character of the notes, on average
const SCALE = 2;
const MOST_SIDE = 16_000; // pixels that all browsers draw in a canvas
const MOST_AREA = 120_000_000;

export interface Caption {
  title: string;
  /** The instant, then what is missing. */
  notes: readonly string[];
}

type Attributes = Record<string, string | number>;

/** Return the picture with its caption as an element that needs no style sheet. */
export function standalone(svg: SVGSVGElement, caption: Caption): SVGSVGElement {
  const drawing = svg.querySelector<SVGGElement>(':scope > g');
  const definitions = svg.querySelector('defs');
  if (!drawing || !definitions) throw new Error('The picture has no drawing.');
  const bounds = drawing.getBBox();
  const width = Math.ceil(Math.max(bounds.width, 420)) + 2 * MARGIN;
  const lines = caption.notes.flatMap((note) => wrapped(note, Math.floor((width - 2 * MARGIN) / CHARACTER)));
  const titles = wrapped(caption.title, Math.floor((width - 2 * MARGIN) / (1.5 * CHARACTER)));
  const top = MARGIN + (titles.length + lines.length + 1) * LINE;
  const height = Math.ceil(top + bounds.height + MARGIN);
  const colours = getComputedStyle(svg);
  const text = { x: MARGIN, fill: colours.color, 'font-family': colours.fontFamily };
  const found = element('svg', { width, height, viewBox: `0 0 ${width} ${height}` });
  found.append(
    element('title', {}, caption.title),
    element('desc', {}, caption.notes.join('\n')),
    styled(definitions),
    element('rect', { width, height, fill: getComputedStyle(svg.parentElement ?? svg).backgroundColor, stroke: 'none' }),
    ...titles.map((line, at) => element('text', { ...text, y: MARGIN + 10 + at * LINE, 'font-size': '16px', 'font-weight': 600 }, line)),
    ...lines.map((line, at) => element('text', { ...text, y: MARGIN + 14 + (titles.length + at) * LINE, 'font-size': '12px', 'font-weight': 400 }, line)),
  );
  const copy = styled(drawing);
  copy.setAttribute('transform', `translate(${MARGIN - bounds.x} ${top - bounds.y})`);
  found.append(copy);
  return found as SVGSVGElement;
}

/** Return the text of the SVG file. */
export const svgText = (picture: SVGSVGElement): string => new XMLSerializer().serializeToString(picture);

/** Return the PNG file of what `standalone` returned. */
export async function png(picture: SVGSVGElement): Promise<Blob> {
  const [width, height] = [Number(picture.getAttribute('width')), Number(picture.getAttribute('height'))];
  const scale = Math.min(SCALE, MOST_SIDE / Math.max(width, height), Math.sqrt(MOST_AREA / (width * height)));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser draws no canvas.');
  context.scale(scale, scale);
  for (const child of picture.children) paint(context, child);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The browser could not write the picture.'))), 'image/png');
  });
}

function element(name: string, attributes: Attributes, text = ''): SVGElement {
  const found = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, String(value));
  found.textContent = text;
  return found;
}

function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

// Returns a copy whose elements have the computed styles as attributes, and nothing that belongs to the page.
function styled(source: Element): Element {
  const copy = source.cloneNode(false) as Element;
  const style = getComputedStyle(source);
  for (const { name } of [...copy.attributes]) if (OF_THE_PAGE.test(name)) copy.removeAttribute(name);
  if (!['title', 'defs'].includes(copy.localName)) {
    for (const name of STYLES) copy.setAttribute(name, style.getPropertyValue(name));
    if (style.textDecorationLine !== 'none') copy.setAttribute('text-decoration', style.textDecorationLine);
  }
  for (const child of source.childNodes) {
    if (child instanceof Element) copy.append(styled(child));
    else if (child instanceof Text) copy.append(child.data);
  }
  return copy;
}

function paint(context: CanvasRenderingContext2D, shape: Element): void {
  if (['title', 'desc', 'defs'].includes(shape.localName)) return;
  const of = (name: string): string => shape.getAttribute(name) ?? '';
  const number = (name: string): number => Number.parseFloat(of(name)) || 0;
  context.save();
  const moved = (shape as SVGGraphicsElement).transform.baseVal.consolidate()?.matrix;
  if (moved) context.transform(moved.a, moved.b, moved.c, moved.d, moved.e, moved.f);
  if (of('opacity')) context.globalAlpha *= number('opacity');
  context.lineWidth = number('stroke-width') || 1;
  context.lineCap = (of('stroke-linecap') || 'butt') as CanvasLineCap;
  context.lineJoin = (of('stroke-linejoin') || 'miter') as CanvasLineJoin;
  context.setLineDash((of('stroke-dasharray').match(/[\d.]+/g) ?? []).map(Number));
  if (shape.localName === 'text') paintText(context, shape, of, number);
  else if (shape.localName !== 'g') {
    const path = pathOfShape(shape.localName, of, number);
    fill(context, path, of('fill'));
    if (visible(of('stroke'))) {
      context.strokeStyle = of('stroke');
      context.stroke(path);
    }
    if (of('marker-end')) paintArrow(context, of('d'), of('stroke'));
  }
  for (const child of shape.children) paint(context, child);
  context.restore();
}

const visible = (colour: string): boolean => colour !== '' && colour !== 'none';

function pathOfShape(name: string, of: (name: string) => string, number: (name: string) => number): Path2D {
  if (name === 'path') return new Path2D(of('d'));
  const path = new Path2D();
  if (name === 'circle') path.arc(number('cx'), number('cy'), number('r'), 0, 2 * Math.PI);
  else if (name === 'rect') path.roundRect(number('x'), number('y'), number('width'), number('height'), number('rx'));
  return path;
}

// The only pattern of the picture is the hatching of what is hidden.
function fill(context: CanvasRenderingContext2D, path: Path2D, colour: string): void {
  if (!visible(colour)) return;
  if (!colour.startsWith('url(')) {
    context.fillStyle = colour;
    context.fill(path);
    return;
  }
  context.save();
  context.clip(path);
  context.strokeStyle = '#888';
  context.lineWidth = 1;
  context.setLineDash([]);
  context.beginPath();
  for (let at = -100; at < 200; at += 10) {
    context.moveTo(at, -10);
    context.lineTo(at - 110, 100);
  }
  context.stroke();
  context.restore();
}

function paintText(context: CanvasRenderingContext2D, shape: Element, of: (name: string) => string, number: (name: string) => number): void {
  const text = (shape.textContent ?? '').trim();
  const [x, y] = [number('x'), number('y')];
  context.font = `${of('font-weight')} ${of('font-size')} ${of('font-family')}`;
  context.textAlign = of('text-anchor') === 'middle' ? 'center' : 'left';
  const clip = of('clip-path') ? shape.closest('svg')?.querySelector('clipPath rect') : null;
  if (clip) {
    const area = new Path2D();
    area.rect(0, 0, Number(clip.getAttribute('width')), Number(clip.getAttribute('height')));
    context.clip(area);
  }
  if (of('paint-order').startsWith('stroke') && visible(of('stroke'))) {
    context.strokeStyle = of('stroke');
    context.strokeText(text, x, y);
  }
  context.fillStyle = of('fill');
  context.fillText(text, x, y);
  if (of('text-decoration') === 'line-through') context.fillRect(x, y - number('font-size') / 3, context.measureText(text).width, 1);
}

function paintArrow(context: CanvasRenderingContext2D, line: string, colour: string): void {
  const [fromX = 0, fromY = 0, x = 0, y = 0] = (line.match(/-?[\d.]+/g) ?? []).map(Number).slice(-4);
  const size = (7 * context.lineWidth) / 8;
  context.save();
  context.translate(x, y);
  context.rotate(Math.atan2(y - fromY, x - fromX));
  context.scale(size, size);
  context.translate(-7, -4);
  context.setLineDash([]);
  context.lineWidth = 1.3;
  context.strokeStyle = colour;
  context.stroke(new Path2D('M1 1 7 4 1 7'));
  context.restore();
}

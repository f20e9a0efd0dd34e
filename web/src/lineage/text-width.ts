// The width of texts of the picture, measured with the font of the page.
let context: CanvasRenderingContext2D | null | undefined;
let family = '';

/** Return the width of a text in pixels, in a weight and a size; 0 where nothing can be measured. */
export function widthOf(text: string, weight: number, size: number): number {
  if (context === undefined) {
    context = document.createElement('canvas').getContext('2d');
    family = getComputedStyle(document.documentElement).fontFamily;
  }
  if (!context) return 0;
  context.font = `${weight} ${size}px ${family}`;
  return context.measureText(text).width;
}

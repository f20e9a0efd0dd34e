// The table of a lineage as CSV (RFC 4180).
export type Cell = string | number | null;

// Where a cell begins like a formula of a spreadsheet: some divide a cell at a semicolon, a tab or a line end, and drop
// quotation marks at the begin of the parts.
const FORMULA = /^(?=[\t\r\n])|(^|[;\t\r\n]"*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/** Return rows as CSV; a text that a spreadsheet would run as a formula gets an apostrophe before it. */
export function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = value.replaceAll(FORMULA, "$1'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Let the browser save a text, or content that has its media type, as a file. */
export function save(name: string, content: string | Blob, media = ''): void {
  const address = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type: media }) : content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

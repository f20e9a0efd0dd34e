// Values as readers expect them: times in their zone, numbers with separators.
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const TIME = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const NUMBER = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 3 });
const COMPACT = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 });
const MONEY = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 0 });
const AGO = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });

const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60]] as const;

export const day = (text: string | null): string => (text ? DAY.format(new Date(text)) : '');
export const time = (text: string | null): string => (text ? TIME.format(new Date(text)) : '');
export const clock = (text: string): string => CLOCK.format(new Date(text));
export const number = (value: number | null): string => (value == null ? '' : NUMBER.format(value));
export const compact = (value: number): string => COMPACT.format(value);
export const money = (value: number | null): string => (value == null ? '' : MONEY.format(value));

/** Return the distance from now in the largest unit that fits, such as `3 days ago`. */
export function ago(text: string | null, now = Date.now()): string {
  if (!text) return '';
  const seconds = (new Date(text).getTime() - now) / 1000;
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size) return AGO.format(Math.trunc(seconds / size), unit);
  return AGO.format(Math.trunc(seconds), 'second');
}

/** Return an instant as the field for local times needs it; empty for null. */
export function localTime(text: string | null): string {
  if (!text) return '';
  const date = new Date(text);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Return the last part of a URN, decoded: the name that a reader knows. */
export function nameOf(id: string): string {
  return decodeURIComponent(id.slice(id.lastIndexOf('/') + 1));
}

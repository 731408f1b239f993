/** Points, money and dates as people read them. Points and money are exact texts, and never become floating-point numbers. */

type Exact = Intl.StringNumericLiteral;

const LANGUAGE = 'en';
const points = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 10 });
const signed = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 10, signDisplay: 'exceptZero' });

/** `1234.50` as `1,234.5`: whatever its size, no digit is lost. */
export function formatPoints(text: string): string {
  return points.format(text as Exact);
}

/** With its sign: `+12.5`. */
export function formatChange(text: string): string {
  return signed.format(text as Exact);
}

/** `12.5 points`, `1 point`. */
export function countPoints(text: string): string {
  return `${formatPoints(text)} ${/^-?1(\.0*)?$/.test(text) ? 'point' : 'points'}`;
}

export function formatMoney(text: string, currency: string | null | undefined): string {
  // The program may name none, or one of its own making.
  if (!currency || !/^[A-Z]{3}$/.test(currency)) return formatPoints(text);
  return new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency }).format(text as Exact);
}

/** A figure of an explanation: a decimal, or a fraction without an end, of which two digits are shown. */
export function formatExact(text: string): string {
  const [top, bottom] = text.split('/');
  if (top === undefined || bottom === undefined) return formatPoints(text);
  const [whole, part] = [BigInt(top), BigInt(bottom)];
  const size = whole < 0n ? -whole : whole;
  const hundredths = ((size * 100n) / part).toString().padStart(3, '0');
  const cut = `${whole < 0n ? '-' : ''}${hundredths.slice(0, -2)}.${hundredths.slice(-2)}`;
  return `${formatPoints(cut)}…`;
}

/** Less than zero, zero or more, as `a` is less than, the same as or more than `b`. */
export function compare(a: string, b: string): number {
  const difference = scaled(a) - scaled(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function isZero(text: string): boolean {
  return scaled(text) === 0n;
}

/** What exact texts add up to. */
export function sum(texts: string[]): string {
  const total = texts.reduce((all, text) => all + scaled(text), 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(PLACES + 1, '0');
  return `${total < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`;
}

const PLACES = 10;

function scaled(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', part = ''] = text.replace(/^[-+]/, '').split('.');
  const size = BigInt(whole + part.slice(0, PLACES).padEnd(PLACES, '0'));
  return negative ? -size : size;
}

/** What a member typed as points, or null if it is none: `1,234.5` and `1234.5` are, `1e3` is not. */
export function readPoints(typed: string, decimals: number): string | null {
  const text = typed.trim().replace(/(?<=\d),(?=\d{3}(\D|$))/g, '');
  const pattern = decimals > 0 ? new RegExp(`^\\d{1,15}(\\.\\d{1,${decimals}})?$`) : /^\d{1,15}$/;
  return pattern.test(text) ? text : null;
}

/** A day in the time zone of the program. */
export function formatDay(instant: string, timeZone: string | null | undefined): string {
  return format(Date.parse(instant), timeZone);
}

/** The last day of what is gone from an instant on. */
export function formatLastDay(gone: string, timeZone: string | null | undefined): string {
  return format(Date.parse(gone) - 1, timeZone);
}

/** A calendar date, which has no time zone. */
export function formatDate(date: string): string {
  return format(Date.parse(`${date}T00:00:00Z`), 'UTC');
}

function format(at: number, timeZone: string | null | undefined): string {
  const zone = timeZone ? { timeZone } : {};
  return new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short', year: 'numeric', ...zone }).format(at);
}

// How is an amount in minor units written, and how is a typed amount read? The only place that knows decimals.
import { locale } from "./locale";

export const DEFAULT_CURRENCY = "INR";

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  const key = `${locale()}:${currency}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale(), { style: "currency", currency });
    formats.set(key, format);
  }
  return format;
}

export function decimalsOf(currency: string): number {
  return formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** "₹1,23,456.50" of 12345650 paise. Digits are moved as text: no amount passes through a float. */
export function money(minor: number | null | undefined, currency?: string | null): string {
  if (minor === null || minor === undefined || !Number.isSafeInteger(minor)) return "—";
  const code = currency ?? DEFAULT_CURRENCY;
  return formatOf(code).format(decimalText(minor, decimalsOf(code)) as `${number}`);
}

function decimalText(minor: number, decimals: number): string {
  const digits = String(Math.abs(minor)).padStart(decimals + 1, "0");
  const sign = minor < 0 ? "-" : "";
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Minor units of what somebody typed, or null when it is not an amount above zero with at most its decimals. */
export function parseMinor(typed: string, currency = DEFAULT_CURRENCY): number | null {
  const decimals = decimalsOf(currency);
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(typed.trim().replace(/,/g, ""));
  if (!match) return null;
  const fraction = match[2] ?? "";
  if (fraction.length > decimals) return null;
  const minor = Number(`${match[1]}${fraction.padEnd(decimals, "0")}`);
  return minor > 0 && Number.isSafeInteger(minor) ? minor : null;
}

export function currencySymbol(currency = DEFAULT_CURRENCY): string {
  return (
    formatOf(currency)
      .formatToParts(0)
      .find((part) => part.type === "currency")?.value ?? currency
  );
}

// How are energy, power and charge written? Fixed decimals, so that live figures do not jump.
import { locale } from "./locale";

const formats = new Map<string, Intl.NumberFormat>();

function fixed(value: number, decimals: number): string {
  const key = `${locale()}:${decimals}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale(), {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    formats.set(key, format);
  }
  return format.format(value);
}

/** A station may send anything; a figure that cannot be true is shown as missing. */
function sane(value: number | null | undefined, max: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= max;
}

export function kilowattHours(wh: number | null | undefined): string {
  return sane(wh, 1e9) ? `${fixed(wh / 1000, 2)} kWh` : "—";
}

export function kilowatts(watts: number | null | undefined): string {
  return sane(watts, 5e6) ? `${fixed(watts / 1000, 1)} kW` : "—";
}

export function percent(value: number | null | undefined): string {
  return sane(value, 100) ? `${fixed(value, 0)} %` : "—";
}

/** Watt-hours of typed kilowatt-hours, or null. */
export function parseWattHours(typed: string): number | null {
  const match = /^(\d{1,4})(?:\.(\d{1,3}))?$/.exec(typed.trim());
  if (!match) return null;
  const wh = Number(`${match[1]}${(match[2] ?? "").padEnd(3, "0")}`);
  return wh > 0 ? wh : null;
}

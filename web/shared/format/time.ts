// How are moments and spans written? UTC on the wire, the viewer's zone here, the zone always named.
import { locale } from "./locale";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()}:${name}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), { hourCycle: "h23", ...options });
    formats.set(key, format);
  }
  return format;
}

function write(iso: string | null | undefined, name: string, options: Intl.DateTimeFormatOptions): string {
  const at = iso ? new Date(iso) : null;
  return at && !Number.isNaN(at.getTime()) ? formatOf(name, options).format(at) : "—";
}

/** "12:04:05.123" */
export function clockMs(iso: string | null | undefined): string {
  return write(iso, "ms", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  });
}

/** "12:04" */
export function clock(iso: string | null | undefined): string {
  return write(iso, "hm", { hour: "2-digit", minute: "2-digit" });
}

/** "20 Nov, 12:04" */
export function dayAndClock(iso: string | null | undefined): string {
  return write(iso, "dhm", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** "20 Nov 2026" */
export function day(iso: string | null | undefined): string {
  return write(iso, "d", { day: "numeric", month: "short", year: "numeric" });
}

/** "20 Nov 2026, 12:04:05 IST": for titles and details. */
export function exact(iso: string | null | undefined): string {
  return write(iso, "exact", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
}

/** "IST" or "UTC+5:30": of the viewer. */
export function zoneLabel(now = new Date()): string {
  const part = formatOf("zone", { timeZoneName: "short" })
    .formatToParts(now)
    .find((one) => one.type === "timeZoneName");
  return part?.value ?? "UTC";
}

/** "3 s", "4 min", "2 h", "5 d". A clock that runs ahead of ours gives "0 s". */
export function age(iso: string | null | undefined, now: number): string {
  const at = iso ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(at)) return "—";
  return span(Math.max(0, now - at));
}

export function span(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** "1:02:03" from start to end (or now). */
export function duration(
  from: string | null | undefined,
  to: string | null | undefined,
  now: number,
): string {
  const begin = from ? Date.parse(from) : Number.NaN;
  const end = to ? Date.parse(to) : now;
  if (Number.isNaN(begin) || Number.isNaN(end)) return "—";
  const seconds = Math.max(0, Math.floor((end - begin) / SECOND));
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

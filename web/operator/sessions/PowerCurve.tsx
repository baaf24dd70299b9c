// The power of a charge over its time, as the meter told it.
import { Text } from "@mantine/core";
import type { MeterSample } from "@shared/api/types";
import { kilowatts } from "@shared/format/quantity";
import { clock } from "@shared/format/time";
import { useTranslation } from "react-i18next";
import classes from "./PowerCurve.module.css";

const WIDTH = 600;
const HEIGHT = 140;
const POINTS_MIN = 3;

type Told = { at: number; powerW: number };

export function PowerCurve({ samples }: { samples: MeterSample[] }) {
  const { t } = useTranslation();
  const told = samples.flatMap((one): Told[] =>
    one.powerW === null || !Number.isFinite(one.powerW)
      ? []
      : [{ at: Date.parse(one.at), powerW: Math.max(0, one.powerW) }],
  );
  const first = told[0];
  const last = told.at(-1);
  if (told.length < POINTS_MIN || !first || !last || last.at <= first.at) return null;
  const top = Math.max(...told.map((one) => one.powerW), 1);
  const place = (one: Told) => {
    const x = ((one.at - first.at) / (last.at - first.at)) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT - (one.powerW / top) * (HEIGHT - 6)).toFixed(1)}`;
  };
  const line = told.map(place).join(" ");
  const begin = clock(new Date(first.at).toISOString());
  const end = clock(new Date(last.at).toISOString());
  return (
    <figure className={`sm-card ${classes.curve}`}>
      <figcaption>
        <Text size="sm" c="dimmed">
          {t("sessions.curve", { top: kilowatts(top) })}
        </Text>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t("sessions.curve", { top: kilowatts(top) })}
      >
        <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} className={classes.area} />
        <polyline points={line} className={classes.line} />
      </svg>
      <div className={classes.axis}>
        <span>{begin}</span>
        <span>{end}</span>
      </div>
    </figure>
  );
}

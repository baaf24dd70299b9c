// For those who do not see the row: one polite sentence when a command failed.
import { VisuallyHidden } from "@mantine/core";
import type { Outcome } from "@shared/live/patch";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { outcomeWords } from "./outcomeWords";
import type { Point } from "./usePoints";

export function Announcer({ points }: { points: Point[] }) {
  const { t } = useTranslation();
  const opened = useRef(new Date().toISOString());
  const newest = points.reduce<Told | null>(
    (before, { stationId, outcome }) =>
      outcome && outcome.at > (before?.outcome.at ?? opened.current) ? { stationId, outcome } : before,
    null,
  );
  return (
    <VisuallyHidden role="status" aria-live="polite">
      {newest && `${newest.stationId}: ${outcomeWords(t, newest.outcome)}`}
    </VisuallyHidden>
  );
}

type Told = { stationId: string; outcome: Outcome };

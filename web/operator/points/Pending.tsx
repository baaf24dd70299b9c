// What we are waiting for, and for how long already.
import { Loader, Text } from "@mantine/core";
import type { Connector } from "@shared/api/types";
import { useNow } from "@shared/components/useNow";
import { span } from "@shared/format/time";
import type { PendingKey } from "@shared/words";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Pending.module.css";
import type { Point } from "./usePoints";

const ELAPSED_FROM_MS = 3_000;
const SLOW_FROM_MS = 10_000;

type Props = { point: Point; connector: Connector; pending: { key: PendingKey; since: string } };

export function Pending({ point, connector, pending }: Props) {
  const { t } = useTranslation();
  const now = useNow();
  const seen = useRef({ key: pending.key, at: now });
  if (seen.current.key !== pending.key) seen.current = { key: pending.key, at: now };
  const since = Date.parse(pending.since);
  const elapsed = now - (Number.isNaN(since) ? seen.current.at : since);
  const action = point.pendingCommand?.action ?? "";
  const words = t(`pending.${pending.key}`, { action: t(`action.${action}`, action) });
  // Waiting for the car is nobody's fault, so it is never called slow.
  const isSlow = elapsed >= SLOW_FROM_MS && pending.key !== "STARTING";
  return (
    <span
      className={classes.pending}
      data-testid={`pending-${point.stationId}-${connector.connectorId}`}
      data-state={pending.key}
    >
      <Loader size={18} aria-hidden="true" />
      <Text size="sm" lh={1.35}>
        {words}
        {elapsed >= ELAPSED_FROM_MS && <span className={classes.elapsed}> {span(elapsed)}</span>}
        {isSlow && <span className={classes.slow}> · {t("pending.slow")}</span>}
      </Text>
    </span>
  );
}

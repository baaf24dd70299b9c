// One frame of the log: one line, and all of it when opened.
import { Group, UnstyledButton } from "@mantine/core";
import type { LogRow } from "@shared/api/types";
import { CopyId } from "@shared/components/CopyId";
import { Down, Up } from "@shared/components/icons";
import { clockMs, day, exact } from "@shared/format/time";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { gist } from "./gist";
import classes from "./LogView.module.css";

const PLAIN = new Set(["call", "command"]);
const TROUBLE = new Set(["error", "invalid", "unknown"]);

export const LogLine = memo(function LogLine({ row, isFleet }: { row: LogRow; isFleet: boolean }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const isIn = row.direction === "Incoming";
  const isToday = day(row.timestamp) === day(new Date().toISOString());
  return (
    <article
      className={classes.row}
      data-direction={row.direction}
      data-trouble={TROUBLE.has(row.kind)}
      data-message={row.message}
      data-kind={row.kind}
      data-testid="log-row"
    >
      <UnstyledButton className={classes.head} onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
        <span className={classes.direction}>
          {isIn ? <Down size={13} /> : <Up size={13} />}
          {t(isIn ? "log.in" : "log.out")}
        </span>
        {isFleet && <span className={classes.device}>{row.deviceId}</span>}
        <span className={classes.type}>
          {row.message}{" "}
          <span className={classes.kind}>
            {PLAIN.has(row.kind) ? "" : t(`log.kind.${row.kind}`, row.kind)}
          </span>
        </span>
        <span className={classes.gist}>{gist(row.message, row.kind, row.data)}</span>
        <span className={classes.trip}>
          {row.roundTripMs == null ? "" : t("log.trip", { ms: Math.round(row.roundTripMs) })}
        </span>
        <time className={classes.time} dateTime={row.timestamp} title={exact(row.timestamp)}>
          {isToday ? "" : `${day(row.timestamp)} `}
          {clockMs(row.timestamp)}
        </time>
      </UnstyledButton>
      {isOpen && <More row={row} />}
    </article>
  );
});

function More({ row }: { row: LogRow }) {
  const { t } = useTranslation();
  return (
    <div className={classes.more}>
      <Group gap="md">
        {row.messageId && <CopyId id={row.messageId} label={t("log.messageId")} />}
        <span className={classes.kind} style={{ fontSize: 12 }}>
          {exact(row.timestamp)}
        </span>
      </Group>
      <h3>{t("log.content")}</h3>
      <pre data-testid="log-json">{pretty(row.data)}</pre>
      {row.pair && (
        <>
          <h3>
            {t("log.pair", {
              kind: t(`log.kind.${row.pair.kind}`, row.pair.kind),
              time: clockMs(row.pair.timestamp),
            })}
          </h3>
          <pre>{pretty(row.pair.data)}</pre>
        </>
      )}
      {row.raw && (
        <>
          <h3>{t("log.raw")}</h3>
          <pre>{row.raw}</pre>
        </>
      )}
    </div>
  );
}

function pretty(data: unknown): string {
  return data === undefined || data === null ? "—" : JSON.stringify(data, null, 2);
}

// The end of a charge: what it was, what it cost, what came back.
import { Button, Group, Stack, Text, Title } from "@mantine/core";
import type { UserSession } from "@shared/api/types";
import { Check, Cross } from "@shared/components/icons";
import { MoneyBox } from "@shared/components/MoneyBox";
import { kilowattHours } from "@shared/format/quantity";
import { dayAndClock, duration } from "@shared/format/time";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./LiveSession.module.css";

export function Finished({ session }: { session: UserSession }) {
  const { t } = useTranslation();
  const isFailed = session.state === "FAILED";
  const code = session.subReason || session.stopReason;
  const reason = code ? t(`reason.${code}`, code) : "";
  return (
    <Stack data-testid="finished" data-state={session.state}>
      <Group gap="sm" wrap="nowrap">
        {isFailed ? (
          <Cross size={28} color="var(--mantine-color-error)" />
        ) : (
          <Check size={28} color="var(--sm-accent)" />
        )}
        <div>
          <Title order={1}>{t(isFailed ? "driver.done.failed" : "driver.done.title")}</Title>
          <Text size="sm" c="dimmed">
            {session.stationId} · {dayAndClock(session.createdAt)}
          </Text>
        </div>
      </Group>
      {isFailed ? (
        <Text>
          {t("driver.done.failedText", { reason: reason.charAt(0).toUpperCase() + reason.slice(1) })}
        </Text>
      ) : (
        <dl className={`sm-card ${classes.figures}`} style={{ gridTemplateColumns: "1fr 1fr" }}>
          <div>
            <dd>{kilowattHours(session.energyWh)}</dd>
            <dt>{t("driver.done.energy")}</dt>
          </div>
          <div>
            <dd>{duration(session.startedAt, session.endedAt ?? session.settledAt, 0)}</dd>
            <dt>{t("driver.done.time")}</dt>
          </div>
        </dl>
      )}
      <MoneyBox booked={session} isForDriver />
      <Button component={Link} to="/" variant="default" size="md">
        {t("driver.done.again")}
      </Button>
    </Stack>
  );
}

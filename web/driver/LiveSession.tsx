// My charge, while it goes on: one big ring, one big button.
import { Button, Loader, Modal, RingProgress, Stack, Text, Title } from "@mantine/core";
import { api, ask } from "@shared/api/client";
import type { UserSession } from "@shared/api/types";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { useNow } from "@shared/components/useNow";
import { money } from "@shared/format/money";
import { kilowattHours, kilowatts, percent } from "@shared/format/quantity";
import { duration, span } from "@shared/format/time";
import { useLive } from "@shared/live/useLive";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./LiveSession.module.css";
import { SESSIONS } from "./live";

const RUNNING = new Set(["ONGOING", "STOPPING", "GHOST", "ORPHANED"]);

export function LiveSession({ session }: { session: UserSession }) {
  const { t } = useTranslation();
  const now = useNow();
  const { mode, heardAt } = useLive();
  const isRunning = RUNNING.has(session.state);
  const isOld = mode === "offline";
  return (
    <Stack align="center" gap="md" data-testid="live-session" data-state={session.state}>
      <Title order={1} ta="center">
        {t(`driver.live.${session.state}`)}
      </Title>
      <Text c="dimmed" ta="center" mt={-12}>
        {session.stationId} · {t("driver.charger.connector", { id: session.connectorId })}
      </Text>
      <div className={classes.ring} data-old={isOld}>
        {isRunning ? <Ring session={session} /> : <Waiting state={session.state} />}
      </div>
      {isRunning && (
        <dl className={`sm-card ${classes.figures}`} data-old={isOld}>
          <Figure
            name={t("driver.live.soFar")}
            value={money(session.costMinor, session.currency)}
            testId="session-money"
          />
          <Figure name={t("driver.live.time")} value={duration(session.startedAt, session.endedAt, now)} />
          <Figure name={t("driver.live.power")} value={kilowatts(session.powerW)} />
        </dl>
      )}
      {isOld && (
        <Text size="sm" c="dimmed">
          {t("driver.live.old", { age: span(now - heardAt) })}
        </Text>
      )}
      {session.holdMinor > 0 && (
        <Text size="sm" c="dimmed">
          {t("driver.live.held", { amount: money(session.holdMinor, session.currency) })}
        </Text>
      )}
      <StopButton session={session} />
    </Stack>
  );
}

/** The battery if the car tells it, else how much of the money is used. */
function Ring({ session }: { session: UserSession }) {
  const { t } = useTranslation();
  const soc = session.socPercent;
  const spent = session.holdMinor > 0 ? Math.min(100, (100 * session.costMinor) / session.holdMinor) : 0;
  return (
    <RingProgress
      size={260}
      thickness={16}
      roundCaps
      sections={[{ value: soc ?? spent, color: "var(--sm-accent)" }]}
      rootColor="var(--sm-line)"
      label={
        <Stack gap={0} align="center">
          <span className={classes.big}>{kilowattHours(session.energyWh)}</span>
          <Text size="sm" c="dimmed">
            {t("driver.live.delivered")}
          </Text>
          {soc !== null && soc !== undefined && (
            <Text size="sm" fw={600} mt={6}>
              {t("driver.live.soc", { soc: percent(soc) })}
            </Text>
          )}
        </Stack>
      }
    />
  );
}

function Waiting({ state }: { state: string }) {
  const { t } = useTranslation();
  return (
    <Stack align="center" py={48} gap="md" maw={300} ta="center">
      <Loader size="xl" aria-hidden="true" />
      <Text role="status">{t(`driver.live.${state}Text`, "")}</Text>
    </Stack>
  );
}

function Figure({ name, value, testId }: { name: string; value: string; testId?: string }) {
  return (
    <div>
      <dd data-testid={testId}>{value}</dd>
      <dt>{name}</dt>
    </div>
  );
}

function StopButton({ session }: { session: UserSession }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const isBefore = session.state === "PENDING" || session.state === "STARTING";
  const isStopping = session.state === "STOPPING";
  const stop = useMutation({
    mutationFn: () => ask(api.POST("/api/user/charging/stop", { body: { sessionId: session.sessionId } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: SESSIONS }),
    onSettled: () => setAsking(false),
  });
  return (
    <>
      {stop.error && <ProblemAlert error={stop.error} />}
      <Button
        size="lg"
        fullWidth
        color="red"
        variant={isBefore ? "light" : "filled"}
        disabled={isStopping}
        loading={stop.isPending}
        onClick={() => setAsking(true)}
        data-testid={`stop-${session.stationId}-${session.connectorId}`}
      >
        {t(isStopping ? "driver.live.stopping" : isBefore ? "driver.live.cancel" : "driver.live.stop")}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={t("driver.live.stopSure")}
        closeButtonProps={{ "aria-label": t("close") }}
      >
        <Text mb="md">{t(isBefore ? "stop.cancelText" : "driver.live.stopText")}</Text>
        <Stack gap="sm">
          <Button
            color="red"
            size="md"
            loading={stop.isPending}
            onClick={() => stop.mutate()}
            data-testid="stop-confirm"
          >
            {t(isBefore ? "driver.live.cancel" : "driver.live.stop")}
          </Button>
          <Button variant="default" size="md" onClick={() => setAsking(false)}>
            {t("stop.keep")}
          </Button>
        </Stack>
      </Modal>
    </>
  );
}

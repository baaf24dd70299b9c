// One charge: what happened, and where its money went.
import { Alert, Anchor, Group, Skeleton, Text, Title } from "@mantine/core";
import { api, ask } from "@shared/api/client";
import type { Session, SessionDetail } from "@shared/api/types";
import { CopyId } from "@shared/components/CopyId";
import { Facts } from "@shared/components/Facts";
import { Alert as Sign } from "@shared/components/icons";
import { MoneyBox } from "@shared/components/MoneyBox";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { SessionState } from "@shared/components/SessionState";
import { useNow } from "@shared/components/useNow";
import { money } from "@shared/format/money";
import { kilowattHours, kilowatts, percent } from "@shared/format/quantity";
import { duration, exact } from "@shared/format/time";
import { isTerminal } from "@shared/live/patch";
import { useLive } from "@shared/live/useLive";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { SESSION } from "../live";
import { PowerCurve } from "./PowerCurve";
import classes from "./Sessions.module.css";

export function SessionPage() {
  const { t } = useTranslation();
  const { sessionId } = useParams({ from: "/sessions/$sessionId" });
  const live = useLive();
  const session = useQuery({
    queryKey: [...SESSION, sessionId],
    queryFn: () =>
      ask(api.GET("/api/cms/sessions/{session_id}", { params: { path: { session_id: sessionId } } })),
    refetchInterval: (query) =>
      query.state.data && isTerminal(query.state.data.state) ? false : live.interval(),
  });
  return (
    <div>
      <Anchor component={Link} to="/sessions" size="sm">
        ← {t("menu.sessions")}
      </Anchor>
      {session.error && <ProblemAlert error={session.error} retry={() => session.refetch()} />}
      {session.isPending && <Skeleton h={320} radius="md" mt="md" />}
      {session.data && <Detail session={session.data} />}
    </div>
  );
}

function Detail({ session }: { session: SessionDetail }) {
  const { t } = useTranslation();
  const now = useNow();
  const end = session.endedAt ?? (isTerminal(session.state) ? session.settledAt : null);
  const payer = t(`payer.${session.payerKind}`, session.payerKind);
  return (
    <>
      <Group gap="sm" mt="xs">
        <Title order={1}>
          {session.stationId} · {session.connectorId}
        </Title>
        <SessionState state={session.state} />
      </Group>
      <Text c="dimmed" mt={2} mb="md">
        {t(`sessions.sentence.${session.state}`, { reason: reasonOf(t, session), defaultValue: "" })}
      </Text>
      {session.isSuspect && (
        <Alert color="yellow" variant="light" icon={<Sign size={18} />} mb="md" title={t("sessions.suspect")}>
          {t("sessions.suspectText")}
        </Alert>
      )}
      <div className={classes.columns}>
        <div>
          <dl className={`sm-card ${classes.big}`}>
            <Big name={t("sessions.energy")} value={kilowattHours(session.energyWh)} />
            <Big name={t("sessions.duration")} value={duration(session.startedAt, end, now)} />
            {!isTerminal(session.state) && (
              <Big name={t("sessions.power")} value={kilowatts(session.powerW)} />
            )}
            {session.socPercent !== null && (
              <Big name={t("sessions.soc")} value={percent(session.socPercent)} />
            )}
          </dl>
          <PowerCurve samples={session.meterSamples} />
          <div className="sm-card" style={{ padding: "6px 16px" }}>
            <Facts
              facts={[
                [t("sessions.who"), session.driverName ? `${session.driverName} (${payer})` : payer],
                [t("sessions.startedBy"), t(`startedBy.${session.startedBy}`, session.startedBy)],
                [t("sessions.asked"), exact(session.createdAt)],
                [t("sessions.startedAt"), exact(session.startedAt)],
                [t("sessions.endedAt"), exact(session.endedAt)],
                [t("sessions.settledAt"), exact(session.settledAt)],
                [t("sessions.stopReason"), session.stopReason || "—"],
                [t("sessions.transaction"), session.transactionId ?? "—"],
                [
                  t("sessions.price"),
                  session.priceMinorPerKwh > 0
                    ? t("money.perKwh", { price: money(session.priceMinorPerKwh, session.currency) })
                    : "—",
                ],
                [t("sessions.id"), <CopyId key="id" id={session.sessionId} label={t("sessions.id")} />],
              ]}
            />
          </div>
        </div>
        <MoneyBox booked={session} />
      </div>
    </>
  );
}

function reasonOf(t: (key: string, fallback: string) => string, session: Session): string {
  const code = session.subReason || session.stopReason;
  return code ? t(`reason.${code}`, code) : "";
}

function Big({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

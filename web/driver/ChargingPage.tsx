// What is charging now, and what was charged before.
import { Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { UserSession } from "@shared/api/types";
import { Empty } from "@shared/components/Empty";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { SessionState } from "@shared/components/SessionState";
import { money } from "@shared/format/money";
import { kilowattHours } from "@shared/format/quantity";
import { dayAndClock } from "@shared/format/time";
import { isTerminal } from "@shared/live/patch";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Find.module.css";
import { Finished } from "./Finished";
import { LiveSession } from "./LiveSession";
import { useLiveSession, useSession } from "./queries";

export function ChargingPage() {
  const { t } = useTranslation();
  const { sessions, current, past } = useLiveSession();
  const [watched, setWatched] = useState<string | null>(null);
  // The one that was watched until its end stays on the page, as its receipt.
  if (current && current.sessionId !== watched) setWatched(current.sessionId);
  const ended = current ? undefined : past.find((one) => one.sessionId === watched);
  return (
    <Stack>
      {sessions.error && <ProblemAlert error={sessions.error} retry={() => sessions.refetch()} />}
      {sessions.isPending && <Skeleton h={320} radius="md" />}
      {current && <LiveSession session={current} />}
      {ended && <Receipt sessionId={ended.sessionId} />}
      {sessions.data && !current && !ended && (
        <>
          <Title order={1}>{t("driver.tabs.charging")}</Title>
          <div className="sm-card">
            <Empty title={t("driver.live.none")} text={t("driver.live.noneText")}>
              <Button component={Link} to="/" mt="sm" size="md">
                {t("driver.live.find")}
              </Button>
            </Empty>
          </div>
        </>
      )}
      {past.length > 0 && <Past sessions={past} />}
    </Stack>
  );
}

function Receipt({ sessionId }: { sessionId: string }) {
  const session = useSession(sessionId);
  return session.data && isTerminal(session.data.state) ? (
    <Finished session={session.data} />
  ) : (
    <Skeleton h={240} />
  );
}

function Past({ sessions }: { sessions: UserSession[] }) {
  const { t } = useTranslation();
  return (
    <section>
      <Title order={2} mb="xs">
        {t("driver.past")}
      </Title>
      <div className="sm-card">
        {sessions.map((session) => (
          <Link
            key={session.sessionId}
            to="/sessions/$sessionId"
            params={{ sessionId: session.sessionId }}
            className={classes.line}
            style={{ color: "inherit", textDecoration: "none" }}
          >
            <div>
              <Text size="sm" fw={600}>
                {session.stationId}
              </Text>
              <Text size="xs" c="dimmed">
                {dayAndClock(session.createdAt)} · {kilowattHours(session.energyWh)}
              </Text>
            </div>
            <div style={{ textAlign: "end" }}>
              <Text size="sm" fw={600}>
                {money(session.costMinor, session.currency)}
              </Text>
              {session.state !== "COMPLETED" && <SessionState state={session.state} />}
            </div>
          </Link>
        ))}
      </div>
    </section>
  );
}

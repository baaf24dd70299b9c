// Charging sessions, live and past, newest first.
import { Button, Center, Group, Select, Skeleton, Table, Text } from "@mantine/core";
import { api, ask } from "@shared/api/client";
import type { Session } from "@shared/api/types";
import { Empty } from "@shared/components/Empty";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { SessionState } from "@shared/components/SessionState";
import { useNow } from "@shared/components/useNow";
import { money } from "@shared/format/money";
import { kilowattHours } from "@shared/format/quantity";
import { dayAndClock, duration, exact } from "@shared/format/time";
import { isTerminal } from "@shared/live/patch";
import { useLive } from "@shared/live/useLive";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { SESSIONS } from "../live";
import { PageTitle } from "../PageTitle";
import { SearchField } from "../points/PointsPage";
import { STATES } from "../search";
import classes from "./Sessions.module.css";

const PAGE = 50;

export function SessionsPage() {
  const { t } = useTranslation();
  const { state, station } = useSearch({ from: "/sessions" });
  const navigate = useNavigate({ from: "/sessions" });
  const live = useLive();
  const sessions = useInfiniteQuery({
    queryKey: [...SESSIONS, state ?? "", station ?? ""],
    refetchInterval: live.interval,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/cms/sessions", {
          params: { query: { state: state && [state], stationId: station, cursor: pageParam, limit: PAGE } },
        }),
      ),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = sessions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div>
      <PageTitle title={t("menu.sessions")} text={t("sessions.text")}>
        <Group gap="sm">
          <Select
            aria-label={t("sessions.state")}
            placeholder={t("sessions.anyState")}
            clearable
            w={190}
            data={STATES.map((one) => ({ value: one, label: t(`state.${one}`) }))}
            value={state ?? null}
            onChange={(value) =>
              navigate({ search: (now) => ({ ...now, state: value ?? undefined }), replace: true })
            }
            clearButtonProps={{ "aria-label": t("clear") }}
          />
          <SearchField
            value={station ?? ""}
            search={(id) =>
              navigate({ search: (now) => ({ ...now, station: id || undefined }), replace: true })
            }
            label={t("sessions.station")}
          />
        </Group>
      </PageTitle>
      {sessions.error && <ProblemAlert error={sessions.error} retry={() => sessions.refetch()} />}
      {sessions.isPending && <Skeleton h={320} radius="md" />}
      {sessions.data && (
        <div className="sm-card" style={{ overflowX: "auto" }}>
          {items.length === 0 ? (
            <Empty title={t("sessions.none")} text={t("sessions.noneText")} />
          ) : (
            <Table
              verticalSpacing="sm"
              horizontalSpacing="md"
              highlightOnHover
              miw={820}
              data-testid="sessions-table"
            >
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("sessions.begun")}</Table.Th>
                  <Table.Th>{t("points.charger")}</Table.Th>
                  <Table.Th>{t("sessions.who")}</Table.Th>
                  <Table.Th>{t("sessions.state")}</Table.Th>
                  <Table.Th ta="end">{t("sessions.duration")}</Table.Th>
                  <Table.Th ta="end">{t("sessions.energy")}</Table.Th>
                  <Table.Th ta="end">{t("sessions.cost")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((session) => (
                  <SessionRow key={session.sessionId} session={session} />
                ))}
              </Table.Tbody>
            </Table>
          )}
        </div>
      )}
      {sessions.hasNextPage && (
        <Center mt="md">
          <Button
            variant="default"
            loading={sessions.isFetchingNextPage}
            onClick={() => sessions.fetchNextPage()}
          >
            {t("older")}
          </Button>
        </Center>
      )}
    </div>
  );
}

function SessionRow({ session }: { session: Session }) {
  const { t } = useTranslation();
  const now = useNow();
  const end = session.endedAt ?? (isTerminal(session.state) ? session.settledAt : null);
  return (
    <Table.Tr data-testid={`session-${session.sessionId}`}>
      <Table.Td title={exact(session.createdAt)}>
        <Link to="/sessions/$sessionId" params={{ sessionId: session.sessionId }} className={classes.link}>
          {dayAndClock(session.createdAt)}
        </Link>
      </Table.Td>
      <Table.Td>
        {session.stationId}
        <Text component="span" c="dimmed" size="sm">
          {" "}
          · {session.connectorId}
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{session.driverName || t(`payer.${session.payerKind}`, session.payerKind)}</Text>
        <Text size="xs" c="dimmed">
          {t(`startedBy.${session.startedBy}`, session.startedBy)}
        </Text>
      </Table.Td>
      <Table.Td>
        <SessionState state={session.state} />
      </Table.Td>
      <Table.Td ta="end">{session.startedAt ? duration(session.startedAt, end, now) : "—"}</Table.Td>
      <Table.Td ta="end">{kilowattHours(session.energyWh)}</Table.Td>
      <Table.Td ta="end" fw={600}>
        {money(session.costMinor, session.currency)}
      </Table.Td>
    </Table.Tr>
  );
}

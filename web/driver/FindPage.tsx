// Where can I charge? A list first: it works without a map and on every phone.
import { Badge, Group, Skeleton, Stack, Text, TextInput, Title } from "@mantine/core";
import type { UserStation } from "@shared/api/types";
import { Empty } from "@shared/components/Empty";
import { Away, Bolt, Chevron, Plug, Search } from "@shared/components/icons";
import { ProblemAlert } from "@shared/components/ProblemAlert";
import { money } from "@shared/format/money";
import { classOf } from "@shared/words";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./Find.module.css";
import { useStations } from "./queries";

export function FindPage() {
  const { t } = useTranslation();
  const { q = "" } = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const stations = useStations();
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (stations.data ?? []).filter((one) =>
    words.every((word) => `${one.stationId} ${one.name} ${one.site}`.toLowerCase().includes(word)),
  );
  const sorted = found.toSorted(
    (a, b) => Number(freeOf(b) > 0) - Number(freeOf(a) > 0) || a.stationId.localeCompare(b.stationId),
  );
  return (
    <Stack gap="sm">
      <Title order={1}>{t("driver.find.title")}</Title>
      <TextInput
        size="md"
        type="search"
        aria-label={t("driver.find.search")}
        placeholder={t("driver.find.search")}
        leftSection={<Search />}
        value={q}
        onChange={(event) =>
          navigate({ search: { q: event.currentTarget.value || undefined }, replace: true })
        }
      />
      {stations.error && <ProblemAlert error={stations.error} retry={() => stations.refetch()} />}
      {stations.isPending && ["a", "b", "c"].map((key) => <Skeleton key={key} h={84} radius="md" />)}
      {stations.data && sorted.length === 0 && <Empty title={t("driver.find.none")} />}
      {sorted.map((station) => (
        <StationCard key={station.stationId} station={station} />
      ))}
    </Stack>
  );
}

const READY = new Set(["Available", "Preparing", "Unknown"]);

export function isFree(station: UserStation, connector: UserStation["connectors"][number]): boolean {
  return station.isOnline && READY.has(connector.status) && !connector.inUse;
}

function freeOf(station: UserStation): number {
  return station.connectors.filter((one) => isFree(station, one)).length;
}

function StationCard({ station }: { station: UserStation }) {
  const { t } = useTranslation();
  const free = freeOf(station);
  const look = station.isOnline ? (free > 0 ? "teal" : "blue") : "gray";
  const Sign = station.isOnline ? (free > 0 ? Bolt : Plug) : Away;
  const total = station.connectors.filter((one) => classOf(station, one) !== "faulted").length;
  return (
    <Link
      to="/c/$stationId"
      params={{ stationId: station.stationId }}
      className={`sm-card ${classes.card}`}
      data-testid={`station-${station.stationId}`}
    >
      <div className={classes.grow}>
        <Text fw={650}>{station.name || station.stationId}</Text>
        <Text size="sm" c="dimmed">
          {[station.site, station.name && station.stationId].filter(Boolean).join(" · ")}
        </Text>
        <Group gap="sm" mt={6}>
          <Badge variant="light" color={look} tt="none" radius="sm" fw={600} leftSection={<Sign size={13} />}>
            {station.isOnline ? t("driver.find.free", { free, total }) : t("driver.find.away")}
          </Badge>
          {station.priceMinorPerKwh != null && (
            <Text size="sm">
              {t("driver.find.price", { price: money(station.priceMinorPerKwh, station.currency) })}
            </Text>
          )}
        </Group>
      </div>
      <Chevron size={20} />
    </Link>
  );
}
